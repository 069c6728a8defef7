"""Variables that an image ends without, ends with, or does not know, since they are those of another publisher's image.

What each image makes of them its room says; only what the compose file itself shows is said.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from grader import brokers
from grader.brokers.rules import Variables
from grader.brokers.seen import Remark
from grader.model.text import Text, msg
from grader.policy import bitnami

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from grader.brokers.seen import Image, Seen

_UNKNOWN = Variables()


@functools.cache
def _known() -> Mapping[str, Variables]:
    return {name: found for room in brokers.rooms().values() for name, found in room.broker.rules.variables.items()}


def of_image(upstream: str) -> Variables:
    """Return what an image makes of variables, as far as anybody knows."""
    return _known().get(upstream, _UNKNOWN)


def remarks(seen: Seen) -> Iterator[Remark]:
    """Yield what is wrong with the variables of a service."""
    image = seen.image
    if image is not None:
        known = of_image(image.upstream)
        yield from _missing(seen, image, known)
        yield from _refused(seen, image, known)
        yield from _foreign(seen, image, known)


def _missing(seen: Seen, image: Image, known: Variables) -> Iterator[Remark]:
    """Without some variables an image's entry script ends the container at once."""
    if seen.built or not seen.runs_own_script(known.program):
        return
    meant = _meant(seen, known)  # what is said in another image's words is said already
    given = {name for name, text in seen.environment.items() if text} | set(meant.values())
    lacking = list(known.needed(seen, given))
    if lacking:
        yield Remark(
            code="variable-missing",
            message=msg(
                "%(service)s does not set %(names)s, without which %(image)s does not serve.",
                service=seen.name,
                names=", ".join(lacking),
                image=image.name,
            ),
            remedy=_examples(seen.name, known, lacking),
            at=("environment",),
        )


def _examples(service: str, known: Variables, lacking: list[str]) -> Text:
    if known.whole:
        return known.whole(service)
    lines = (f"{name}: {known.examples.get(name, '…').replace('{service}', service)}" for name in lacking)
    return msg("Write under environment: %(lines)s", lines=", ".join(lines))


def _refused(seen: Seen, image: Image, known: Variables) -> Iterator[Remark]:
    """With some variables an image ends at once."""
    if known.refused is None or "entrypoint" in seen.emitted:
        return
    for name, text in seen.environment.items():
        if text and re.match(known.refused.names, name):
            yield Remark(
                code="variable-refused",
                message=msg(
                    "%(service)s sets %(name)s, with which %(image)s ends at once.",
                    service=seen.name,
                    name=name,
                    image=image.name,
                ),
                remedy=known.refused.remedy,
                at=("environment", name),
            )


def _foreign(seen: Seen, image: Image, known: Variables) -> Iterator[Remark]:
    """Variables of another publisher's image say nothing to this one."""
    meant = _meant(seen, known)
    if meant:
        yield Remark(
            severity="warning" if any(meant.values()) else "notice",  # what is only left over does no harm
            code="variable-foreign",
            message=msg(
                "%(service)s sets %(names)s, which another publisher's image knows and %(image)s does not.",
                service=seen.name,
                names=", ".join(meant),
                image=image.name,
            ),
            remedy=_rewritten(meant),
            at=("environment", next(iter(meant))),
        )


def _rewritten(meant: Mapping[str, str]) -> Text:
    written = ", ".join(f"{name} → {instead}" for name, instead in meant.items() if instead)
    dropped = ", ".join(name for name, instead in meant.items() if not instead)
    if written and dropped:
        return msg("Write instead: %(new)s. Leave out: %(old)s.", new=written, old=dropped)
    if written:
        return msg("Write instead: %(new)s.", new=written)
    return msg("Leave out: %(old)s.", old=dropped)


def _meant(seen: Seen, known: Variables) -> dict[str, str]:
    """Return the variables of others that a service sets: name -> what is written instead, "" where nothing is."""
    # what the service's own commands read is theirs, whatever it is called
    used = repr([seen.emitted.get(name) for name in ("command", "entrypoint", "healthcheck")])
    names = (name for name in seen.environment if name not in used)
    return {name: instead for name in names if (instead := bitnami.renamed(known.foreign, name)) is not None}


def renamed(image: str, names: Iterable[str]) -> str:
    """Return how variables of others are called in an image of the catalogue, "" where none of them is another's."""
    foreign = of_image(image.partition(":")[0]).foreign
    return ", ".join(f"{name} → {instead}" for name in names if (instead := bitnami.renamed(foreign, name)))
