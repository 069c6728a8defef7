"""Assembling the plan: only what the started services use, every `$` written so that Compose leaves it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from grader.model.plan import Build, ImageUse, StackPlan, VolumeContent, Wait
from grader.policy import emitted
from grader.policy.data_folders import data_folders
from grader.policy.document.interpolate import escape
from grader.policy.health import shortened, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.policy.judged import Judged
    from grader.policy.scope import Project


def assemble(project: Project, kept: dict[str, Judged], waits: tuple[Wait, ...] = ()) -> StackPlan:
    """Return the plan of the services that are started. waits: see `StackPlan`."""
    waited_for = {
        name
        for one in kept.values()
        for name, how in one.emitted.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }
    services = {name: _service(one, waited=name in waited_for) for name, one in kept.items()}
    volumes: dict[str, Any] = {
        m["source"]: {} for s in services.values() for m in s.get("volumes", []) if m.get("source")
    }
    networks: dict[str, Any] = {n: {} for s in services.values() for n in s.get("networks", {})}
    contents = {
        c["source"]: {"content": project.files[c["source"]]} for s in services.values() for c in s.get("configs", [])
    }
    builders = {
        str(s["image"]).removeprefix("build:") for s in services.values() if str(s["image"]).startswith("build:")
    }
    builds = tuple(_build(b) for b in project.builds if b.service in builders)
    compose: dict[str, Any] = {"services": services, "networks": networks, "volumes": volumes}
    if contents:
        compose["configs"] = contents
    names = [s["image"] for s in services.values() if not str(s["image"]).startswith("build:")]
    names += [name for build in builds for name in build.base_images]
    names = list(dict.fromkeys(names))
    contract = project.assignment.services if project.assignment else ()
    compose = _escaped(compose)
    emitted.check(compose, project.limits)
    return StackPlan(
        compose=compose,
        builds=builds,
        volume_contents=tuple(_fills(project, kept, volumes)),
        replicas={name: one.emitted["scale"] for name, one in kept.items()},
        images=tuple(names),
        waits=waits,
        contract=tuple(service for service in contract if service.name in kept),
        uses=tuple(_use(project, name) for name in names),
        findings=project.out.all,
    )


def _fills(project: Project, kept: dict[str, Judged], volumes: dict[str, Any]) -> Iterator[VolumeContent]:
    """Yield what is filled: nothing where the submission has nothing, unless a program must be able to write there."""
    data = {str(folder.path) for folder in data_folders(project, kept)}
    for content in project.volume_contents:
        there = (project.root / content.source).is_dir()
        if content.volume in volumes and (there or content.source in data):
            yield VolumeContent(
                volume=content.volume, source=content.source if there else "", data=content.source in data
            )


def _service(one: Judged, *, waited: bool) -> dict[str, Any]:
    emitted = dict(one.emitted)
    health = emitted.get("healthcheck")
    if health is not None:
        emitted["healthcheck"] = written(shortened(health) if waited else health)
    return emitted


def _use(project: Project, name: str) -> ImageUse:
    at = project.written[name]
    known = project.catalogue.find(name) is not None
    return ImageUse(name=name, file=at.file, line=at.line, path=at.path, catalogue=known)


def _build(build: Build) -> Build:
    """Arguments travel through a compose file as well."""
    return msgspec.structs.replace(build, args={name: escape(text) for name, text in build.args.items()})


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, dict):
        return {k: _escaped(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_escaped(v) for v in value]
    return value
