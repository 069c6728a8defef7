"""Which image stands behind each name: one that is there, one that can be pulled, or an equivalent built here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypedDict

from grader import catalogue as catalogues
from grader.errors import ImageMissingError
from grader.images.build import Builder
from grader.images.pull import Puller
from grader.model.grade import ResolvedImage
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import docker

    from grader.catalogue import Catalogue, Entry, Equivalent, ImageName

Mode = Literal["auto", "pull", "equivalent"]

# More at once only makes each of them slower: package managers are bound by one disk and one network.
_AT_ONCE = 2


class Row(TypedDict):
    """One name of the catalogue and what the engine has for it.

    state: "pulled", "equivalent" or "missing" (it can be built); reference: "" when missing; version: an equivalent's.
    """

    name: str
    state: Literal["pulled", "equivalent", "missing"]
    reference: str
    version: str


def resolve(
    engine: docker.DockerClient,
    names: Iterable[str],
    *,
    mode: Mode = "auto",
    on_progress: Callable[[Text], None] | None = None,
    catalogue: Catalogue | None = None,
) -> dict[str, ResolvedImage]:
    """Return, for each name as given, the image that the engine shall use; pull or build what is missing.

    "auto" takes what is there (a pulled digest before an equivalent), then pulls, then builds; "pull" and "equivalent"
    keep to one kind. `on_progress` may be called from several threads. Raises ImageMissingError for the first name that
    nothing gives, once all others have been tried.
    """
    resolver = _Resolver(engine, catalogue or catalogues.load(), mode, on_progress or _silent)
    wanted = list(dict.fromkeys(names))
    failures: dict[str, BaseException] = {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="image") as pool:

        def each(step: Callable[[str], ResolvedImage | None], of: list[str]) -> dict[str, ResolvedImage]:
            futures = {name: pool.submit(step, name) for name in of}
            failures.update((n, error) for n, future in futures.items() if (error := future.exception()) is not None)
            return {n: image for n, future in futures.items() if n not in failures and (image := future.result())}

        try:
            found = each(resolver.given, wanted)
            left = [name for name in wanted if name not in found and name not in failures]
            resolver.prepare(left)
            found |= each(resolver.built, left)
        except BaseException:  # an interrupt: what runs is ended at its next line of output
            resolver.builder.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if failures:
        raise next(failures[name] for name in wanted if name in failures)
    return {name: found[name] for name in wanted}


def survey(engine: docker.DockerClient, catalogue: Catalogue) -> list[Row]:
    """Return a row for every name of the catalogue that has an equivalent; pulls and builds nothing."""
    builder = Builder(engine, catalogue, on_progress=_silent)
    puller = Puller(engine, on_progress=_silent)
    rows: list[Row] = []
    for name, equivalent in catalogue.equivalents.items():
        if catalogue.find(name) is None:  # others stand on it; no submission can name it
            continue
        parsed = catalogues.parse(name)
        if parsed and (pulled := puller.present(parsed)):
            rows.append({"name": name, "state": "pulled", "reference": pulled, "version": ""})
        elif version := builder.present(equivalent):
            rows.append({"name": name, "state": "equivalent", "reference": equivalent.reference, "version": version})
        else:
            rows.append({"name": name, "state": "missing", "reference": "", "version": equivalent.version})
    return rows


class _Resolver:
    """The order in which the kinds are tried, for one engine."""

    def __init__(
        self, engine: docker.DockerClient, catalogue: Catalogue, mode: Mode, tell: Callable[[Text], None]
    ) -> None:
        self._catalogue = catalogue
        self._mode = mode
        self.builder = Builder(engine, catalogue, on_progress=tell)
        self.puller = Puller(engine, on_progress=tell)

    def given(self, name: str) -> ResolvedImage | None:
        """Return an image that is here, or that a registry gives; None where it would have to be built."""
        parsed = _parsed(name)
        stand_in = self._stand_in(name)
        if self._mode != "equivalent" and (reference := self.puller.present(parsed)):
            return _pulled(parsed, reference)
        if stand_in and (version := self.builder.present(stand_in)):
            return _equivalent(parsed, stand_in, version)
        if self._mode != "equivalent" and (reference := self.puller.pull(parsed)):
            return _pulled(parsed, reference)
        return None

    def prepare(self, names: Iterable[str]) -> None:
        """Have the programs that building these needs."""
        self.builder.prepare(stand_in for name in names if (stand_in := self._stand_in(name)))

    def built(self, name: str) -> ResolvedImage:
        """Build an image that nothing gives."""
        parsed = _parsed(name)
        if stand_in := self._stand_in(name):
            return _equivalent(parsed, stand_in, self.builder.ensure(stand_in))
        raise self._missing(parsed, self._catalogue.find(name))

    def _stand_in(self, name: str) -> Equivalent | None:
        entry = self._catalogue.find(name)
        return entry.equivalent if entry and self._mode != "pull" else None

    def _missing(self, name: ImageName, entry: Entry | None) -> ImageMissingError:
        reason = self.puller.reasons.get(str(name), "")
        nearest = self._catalogue.nearest(str(name))
        if entry and entry.equivalent is None and nearest:
            advice = msg(
                "Make the registry reachable, or load the image (docker load); %(nearest)s can be built here.",
                nearest=nearest,
            )
        else:
            advice = msg("Make the registry reachable, or load the image (docker load).")
        return ImageMissingError(
            msg("The image %(name)s can neither be pulled nor built here. %(reason)s", name=str(name), reason=reason),
            advice,
        )


def _parsed(name: str) -> ImageName:
    parsed = catalogues.parse(name)
    if parsed is None:
        raise ImageMissingError(msg("%(name)s is not the name of an image.", name=name))
    return parsed


def _pulled(name: ImageName, reference: str) -> ResolvedImage:
    return ResolvedImage(name=str(name), reference=reference, digest=reference.partition("@")[2])


def _equivalent(name: ImageName, equivalent: Equivalent, version: str) -> ResolvedImage:
    return ResolvedImage(
        name=str(name),
        reference=equivalent.reference,
        equivalent=True,
        differs=equivalent.differs,
        version=version,
    )


def _silent(_: Text) -> None:
    """Tell nobody."""
