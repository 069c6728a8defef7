"""Binding a plan to images: every name becomes the reference that stands behind it, in compose and in Dockerfiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.classic import classic
from grader.policy.dockerfile.images import Stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.model.grade import ResolvedImage
    from grader.model.plan import Build, StackPlan

_BUILT = "build:"


def bind(plan: StackPlan, images: Mapping[str, ResolvedImage]) -> StackPlan:
    """Return the plan with references in place of names.

    Raises KeyError with the name of an image that `images` does not have (all of `plan.images` are needed).
    """
    services: dict[str, Any] = {}
    for name, service in plan.compose["services"].items():
        image = service["image"]
        services[name] = service if image.startswith(_BUILT) else {**service, "image": images[image].reference}
    return msgspec.structs.replace(
        plan,
        compose={**plan.compose, "services": services},
        builds=tuple(_bind_build(build, images) for build in plan.builds),
    )


def _bind_build(build: Build, images: Mapping[str, ResolvedImage]) -> Build:
    parsed = df.parse(build.text.encode())
    stages = Stages()
    for instruction in parsed.instructions:
        if instruction.keyword == "FROM":
            _bind_from(instruction, stages, images)
        elif instruction.keyword in {"COPY", "RUN"}:
            instruction.flags = [(n, _bind_flag(n, v, stages, images)) for n, v in instruction.flags]
    told = classic(parsed.instructions)
    return msgspec.structs.replace(
        build,
        text=df.write(df.Dockerfile(told.instructions, parsed.escape)),
        lines=tuple(instruction.line for instruction in told.instructions),
        added=tuple(instruction.added for instruction in told.instructions),
        modes=(*build.modes, *told.modes),
    )


def _bind_from(instruction: df.Instruction, stages: Stages, images: Mapping[str, ResolvedImage]) -> None:
    name, *rest = instruction.rest.split()
    if name != "scratch" and (name.isdigit() or stages.find(name) is None):
        instruction.rest = " ".join([images[name].reference, *rest])
    stages.names.append(rest[1].lower() if len(rest) == 2 else "")
    stages.bases.append("")


def _bind_flag(name: str, value: str, stages: Stages, images: Mapping[str, ResolvedImage]) -> str:
    """Replace the image that `--from=` or `--mount=…,from=` names, unless it is a stage above."""
    if name == "from":
        return _source(value, stages, images)
    if name == "mount":
        parts = value.split(",")
        return ",".join(f"from={_source(p[5:], stages, images)}" if p.startswith("from=") else p for p in parts)
    return value


def _source(name: str, stages: Stages, images: Mapping[str, ResolvedImage]) -> str:
    stage = stages.find(name)
    if name.isdigit() or (stage is not None and stage < len(stages.names) - 1):
        return name
    return images[name].reference
