"""Choosing the services that are started: the others are left out, and what waits for them is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy import contract
from grader.policy.collect import Collector, Place
from grader.policy.scope import Project, Scope

if TYPE_CHECKING:
    from grader.policy.judged import Judged

MAX_CONTAINERS = 40


# What is said of an image matters only where the image is used.
_OF_IMAGES = frozenset({"image-not-allowed", "image-outside-catalogue", "image-gone"})
# So does how the contract's brokers and databases must be, where the contract can do without.
_UNDER_TEST = frozenset({"witness-image", "witness-changed", "witness-covered", "witness-shared"})


def pass_on(sink: Collector, out: Collector, without: frozenset[str] = frozenset()) -> None:
    """Hand on the findings of a service, but for some codes."""
    for f in sink.all:
        if f.code not in without:
            out.add(f.severity, f.code, Place(f.file, f.line, f.path), f.message, f.remedy)


def choose(top: Scope, services: dict[str, tuple[Judged, Collector]]) -> dict[str, Judged]:
    """Return the services that are started; say of the others why they are not."""
    project = top.project
    all_of_them = {name: one for name, (one, _) in services.items()}
    assignment = project.assignment
    named = [s.name for s in assignment.services] if assignment else []
    demanded = contract.not_started(assignment, all_of_them) if assignment else set()
    needed = contract.needed(all_of_them, [n for n, one in all_of_them.items() if n in named and not one.profiles])
    kept: dict[str, Judged] = {}
    for name, (one, sink) in services.items():
        scope = Scope(project, f"services.{name}", one.line, name)
        foreign = _foreign(project, one, sink)
        if one.profiles:
            pass_on(sink, project.out, without=_OF_IMAGES if name in demanded else _OF_IMAGES | _UNDER_TEST)
            if name in demanded:
                scope.error(
                    "service-in-profile",
                    msg("%(service)s has profiles: and is not started.", service=name),
                    msg("Remove profiles: from it."),
                )
            else:
                scope.notice("service-not-started", msg("%(service)s has profiles: and is not started.", service=name))
        elif assignment and foreign and name not in needed:
            pass_on(sink, project.out, without=_OF_IMAGES)
            scope.notice(
                "service-left-out",
                msg(
                    "%(service)s is left out: its image is outside of the catalogue, and nothing needs it.",
                    service=name,
                ),
            )
        else:
            pass_on(sink, project.out)
            kept[name] = one
    _dependencies(project, kept, all_of_them)
    containers = 0
    for name, one in kept.items():
        scope = Scope(project, f"services.{name}", one.line, name)
        replicas = contract.wanted_replicas(scope.at("replicas", _replicas_line(one)), one)
        contract.cannot_start(scope, one, replicas)
        contract.names_taken(scope, one, set(all_of_them))
        one.emitted["scale"] = replicas
        containers += replicas
    if containers > MAX_CONTAINERS:
        top.at("services").error(
            "too-many-containers", msg("There are more than %(limit)d containers.", limit=MAX_CONTAINERS)
        )
    if not project.out.errors:
        _cycles(kept, top)
    return kept


def _foreign(project: Project, one: Judged, sink: Collector) -> bool:
    """Say whether a service runs, or is built on, what it may not, or runs as it is an image outside of the catalogue.

    Nobody knows how such an image behaves, and it would have to be pulled; what the submission builds is its own.
    """
    if any(f.code in {"image-not-allowed", "image-malformed", "image-gone"} for f in sink.errors):
        return True
    return one.build is None and any(project.catalogue.find(name) is None for name in one.images)


def _replicas_line(one: Judged) -> int:
    return one.lines.get("deploy", one.lines.get("scale", one.line))


def _dependencies(project: Project, kept: dict[str, Judged], everything: dict[str, Judged]) -> None:
    """Take services that are not started out of what others wait for."""
    for name, one in kept.items():
        waits = one.emitted.get("depends_on", {})
        for other in [n for n in waits if n in everything and n not in kept]:
            at = Scope(project, f"services.{name}.depends_on", one.place("depends_on"), name)
            if everything[other].profiles and waits[other].get("required", True):
                at.error(
                    "dependency-not-started",
                    msg(
                        "%(service)s waits for %(other)s, which has profiles: and is not started.",
                        service=name,
                        other=other,
                    ),
                    msg("Remove profiles: from %(other)s, or the dependency.", other=other),
                )
            del waits[other]
        if not waits:
            one.emitted.pop("depends_on", None)
        # what a service shares with another one that is not started cannot be had
        lost = {r for r in contract.references(one) if r in everything and r not in kept}
        for other in lost - {str(one.emitted["image"]).removeprefix("build:")}:
            at = Scope(project, f"services.{name}", one.line, name)
            at.error(
                "dependency-not-started",
                msg("%(service)s needs %(other)s, which is not started.", service=name, other=other),
            )


def _cycles(kept: dict[str, Judged], top: Scope) -> None:
    """Refuse services that wait for each other in a circle."""
    waits = {
        n: [r for r in contract.references(j) if r in kept and r != str(j.emitted["image"]).removeprefix("build:")]
        for n, j in kept.items()
    }
    done: set[str] = set()
    while ready := [n for n, w in waits.items() if n not in done and all(x in done for x in w)]:
        done.update(ready)
    circle = sorted(set(waits) - done)
    if circle:
        one = kept[circle[0]]
        at = Scope(top.project, f"services.{one.name}.depends_on", one.place("depends_on"), one.name)
        at.error(
            "dependency-cycle", msg("These services wait for each other: %(services)s.", services=", ".join(circle))
        )
