"""What is said of images that nothing gives: all of them at once, and whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.errors import ImageMissingError, UnusableImagesError
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.catalogue import Catalogue
    from grader.images.failures import Failure, Kind


class NotHereError(ImageMissingError):
    """One image that can neither be pulled nor built; `failure` says why it cannot be pulled, if that was tried."""

    def __init__(self, name: str, failure: Failure | None) -> None:
        super().__init__(_message(failure.kind if failure else "", [name], failure.words if failure else ""))
        self.name = name
        self.failure = failure


def of_all(catalogue: Catalogue, failures: Mapping[str, BaseException]) -> BaseException:
    """Return what to raise where some images are not to be had: name as given -> what happened to it."""
    for error in failures.values():
        if not isinstance(error, ImageMissingError):
            return error
    gone = {name: error for name, error in failures.items() if isinstance(error, NotHereError)}
    unusable = {name: error.failure.kind for name, error in gone.items() if error.failure and _theirs(catalogue, error)}
    if unusable:
        message = msg("These images cannot be used as they are named: %(names)s.", names=", ".join(unusable))
        return UnusableImagesError(message, _advice(catalogue, "absent", list(unusable)), dict(unusable))
    if not gone and len(failures) == 1:  # a build that failed says it best itself
        return next(iter(failures.values()))
    kinds = {error.failure.kind if error.failure else "" for error in gone.values()}
    kind = kinds.pop() if len(kinds) == 1 and len(gone) == len(failures) else ""
    words = [error.failure.words for error in gone.values() if error.failure and error.failure.words]
    words += [str(error) for name, error in failures.items() if name not in gone]
    names = [gone[name].name if name in gone else name for name in failures]
    return ImageMissingError(_message(kind, names, next(iter(words), "")), _advice(catalogue, kind, names))


def _theirs(catalogue: Catalogue, error: NotHereError) -> bool:
    """Say whether whoever names an image is to blame. A public image that asks for a login means a proxy on the way."""
    kind = error.failure.kind if error.failure else ""
    if kind == "private":
        return catalogue.find(error.name) is None and "/" in error.name
    return kind in {"absent", "too-large"}


def _message(kind: Kind | str, missing: list[str], words: str) -> Text:
    names = ", ".join(missing)
    match kind:
        case "limited":
            return msg("The registry gives no more images for now (its limit of pulls): %(names)s.", names=names)
        case "unfit":
            return msg("The registry has these images for other processors only: %(names)s.", names=names)
        case "full":
            return msg("The disk has no room for these images: %(names)s.", names=names)
        case "silent":
            return msg(
                "The registry does not answer, and these images are not here: %(names)s. %(reason)s",
                names=names,
                reason=words,
            )
    if len(missing) == 1:
        return msg("The image %(name)s can neither be pulled nor built here. %(reason)s", name=names, reason=words)
    return msg("These images can neither be pulled nor built here: %(names)s. %(reason)s", names=names, reason=words)


def _advice(catalogue: Catalogue, kind: Kind | str, names: list[str]) -> Text:
    """Return the way to mend it; where the catalogue can build something near to an only image, that is named."""
    entry = catalogue.find(names[0]) if len(names) == 1 else None
    nearest = catalogue.nearest(names[0]) if entry and entry.equivalent is None else None
    match kind:
        case "limited":
            return msg("Wait some hours, or give the engine a mirror of that registry.")
        case "unfit":
            return msg("Grade it on a machine with another processor.")
        case "full":
            return msg("Make room, such as with docker image prune.")
        case "absent":
            return msg("Look up their names and tags on the page of their registry.")
    if nearest:
        return msg(
            "Make the registry reachable, or load the image (docker load); %(nearest)s can be built here.",
            nearest=nearest,
        )
    return msg("Make the registry reachable, or pull the images beforehand: grader images ensure")
