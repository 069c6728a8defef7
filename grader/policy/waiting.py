"""Services that wait until another one is healthy: Compose refuses the project where that one has no health check.

What a service's image brings along counts as well. The brokers, databases and languages of the catalogue bring none
(their makers leave it to the compose file); what lies outside of it is known when it is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.plan import Wait
from grader.model.text import Text, msg
from grader.policy.scope import Scope

if TYPE_CHECKING:
    from grader.policy.judged import Judged
    from grader.policy.scope import Project

CODE = "dependency-without-healthcheck"
_BUILT = "build:"


def settle(project: Project, kept: dict[str, Judged]) -> tuple[Wait, ...]:
    """Name each service that waits for a health that nobody looks at; return those that only an image can decide.

    Such a service is started all the same, when the other one has been: the finding decides what it is worth.
    """
    open_: list[Wait] = []
    for name, one in kept.items():
        for other, how in one.emitted.get("depends_on", {}).items():
            if how["condition"] != "service_healthy" or not how.get("required", True) or other not in kept:
                continue  # one that is not required is left out by Compose with a warning
            image = _asked(kept, kept[other])
            at = Scope(project, f"services.{name}.depends_on.{other}", _line(one, other), name)
            if image and project.catalogue.find(image) is None and image != "scratch":
                place = at.place
                open_.append(
                    Wait(service=name, other=other, image=image, file=place.file, line=place.line, path=place.path)
                )
            elif image is not None:
                at.warn(CODE, *words(name, other))
                how["condition"] = "service_started"
    return tuple(open_)


def words(service: str, other: str) -> tuple[Text, Text]:
    """Return what is wrong with such a wait, and how to mend it."""
    return (
        msg(
            "%(service)s waits until %(other)s is healthy, and %(other)s has no health check: docker compose up ends "
            "with that error.",
            service=service,
            other=other,
        ),
        msg("Write a healthcheck: for %(other)s, or wait with condition: service_started only.", other=other),
    )


def _line(one: Judged, other: str) -> int:
    return one.lines.get(f"depends_on.{other}") or one.place("depends_on")


def _asked(kept: dict[str, Judged], one: Judged) -> str | None:
    """Return the image whose health check a service would have; None where it has one that is written down.

    "" where it certainly has none.
    """
    health = one.emitted.get("healthcheck", {})
    if health.get("disable") or health.get("test") == ["NONE"]:
        return ""
    if "test" in health:
        return None
    image = str(one.emitted["image"])
    if not image.startswith(_BUILT):
        return image
    build = kept[image.removeprefix(_BUILT)].build
    if build is None or build.health == "none":
        return ""
    return None if build.health == "own" else build.root
