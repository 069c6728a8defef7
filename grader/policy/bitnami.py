"""Images of Bitnami: gone from Docker Hub since August 2025, and still in many a course's examples.

Each that stood for a broker or database has an image of the catalogue in its place, whose variables and folders are
called otherwise (`Rules.gone` of its room); what a submission sets is told by its new name.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import msgspec

from grader import brokers
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grader.brokers.rules import Replacement
    from grader.policy.image import Image

_REPOSITORY = re.compile(r"(?:public\.ecr\.aws/)?(?P<owner>bitnami|bitnamilegacy)/(?P<name>[a-z0-9._-]+)\Z")
_LEAVE_OUT = ""


class Sets(msgspec.Struct, frozen=True):
    """What a service sets besides its image: names of variables, and paths at which something is mounted."""

    variables: tuple[str, ...]
    targets: tuple[str, ...]


@functools.cache
def replacements() -> Mapping[str, Replacement]:
    """Return what stands in for Bitnami's images, by their names there."""
    return {name: found for room in brokers.rooms().values() for name, found in room.broker.rules.gone.items()}


def gone(image: Image) -> bool:
    """Say whether an image is one of those that Docker Hub no longer has."""
    found = _REPOSITORY.match(image.upstream)
    return bool(found and found["owner"] == "bitnami" and not image.host)


def replacement(image: Image, variables: Iterable[str]) -> Replacement | None:
    """Return what of the catalogue stands in for an image of Bitnami; None for any other image."""
    found = _REPOSITORY.match(image.upstream)
    instead = replacements().get(found["name"]) if found else None
    if instead and (other := otherwise(instead, variables)):
        return msgspec.structs.replace(instead, image=other)
    return instead


def otherwise(instead: Replacement, variables: Iterable[str]) -> str:
    """Return the image that stands in where these variables are set; "" where that makes no difference."""
    names, image = instead.unless
    return image if names.intersection(variables) else ""


def moved(image: Image, sets: Sets | None = None) -> Text | None:
    """Return what to write instead of an image and of what is set with it; without `sets`, of all that could be."""
    instead = replacement(image, sets.variables if sets else ())
    if instead is None:
        return None
    variables, targets = (sets.variables, sets.targets) if sets else (tuple(instead.variables), tuple(instead.folders))
    new = {name: renamed(instead.variables, name) for name in variables}
    written = [f"{name} → {to}" for name, to in new.items() if to]
    written += [f"{t} → {to}" for t in targets if (to := instead.folders.get(t.rstrip("/")))]
    if instead.also and not any(to and instead.also.startswith(f"{to}:") for to in new.values()):
        written.append(instead.also)
    dropped = ", ".join(name for name, to in new.items() if to == _LEAVE_OUT)
    if written and dropped:
        return msg(
            "Use %(image)s; what you set is written there as: %(new)s. Leave out: %(old)s.",
            image=instead.image,
            new=", ".join(written),
            old=dropped,
        )
    if written:
        return msg(
            "Use %(image)s; what you set is written there as: %(new)s.", image=instead.image, new=", ".join(written)
        )
    if dropped:
        return msg("Use %(image)s, and leave out: %(old)s.", image=instead.image, old=dropped)
    return msg("Use %(image)s.", image=instead.image)


def renamed(others: Mapping[str, str], name: str) -> str | None:
    """Return what is written instead of a variable, "" where nothing is, None for one that stays as it is.

    others: see `Variables.foreign`.
    """
    if name in others:
        return others[name]
    for known, instead in others.items():
        if known.endswith("*") and name.startswith(known[:-1]) and name != known[:-1]:
            return instead.replace("*", name.removeprefix(known[:-1]))
    return None
