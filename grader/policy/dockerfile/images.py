"""Images in a Dockerfile: FROM, COPY --from and RUN --mount=from name a stage or an image that may be used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.words import expand
from grader.policy.image_names import judge_image

if TYPE_CHECKING:
    from grader.policy.scope import Scope

_STAGE = re.compile(r"[a-z][a-z0-9._-]*\Z", re.IGNORECASE)
_FROM = re.compile(r"(?P<image>\S+)(?:\s+[Aa][Ss]\s+(?P<stage>\S+))?\Z")


@dataclass(slots=True)
class Stages:
    """The stages read so far and the images that they and their copies come from."""

    names: list[str] = field(default_factory=list)  # "" for a stage without a name
    bases: list[str] = field(default_factory=list)  # per stage: an image's name, "scratch", or another stage's number
    images: list[str] = field(default_factory=list)
    global_arguments: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> int | None:
        """Return the number of the stage that `name` means, or None."""
        if name.isdigit() and int(name) < len(self.names):
            return int(name)
        lowered = name.lower()
        return next((i for i in range(len(self.names) - 1, -1, -1) if self.names[i] == lowered and lowered), None)

    def base_of(self, stage: int) -> tuple[str, list[int]]:
        """Return the image that a stage grows from, and the stages on the way."""
        way = [stage]
        while self.bases[stage].isdigit():
            stage = int(self.bases[stage])
            way.append(stage)
        return self.bases[stage], way


def judge_from(scope: Scope, stages: Stages, instruction: df.Instruction) -> df.Instruction | None:
    """Judge a FROM: the name that it expands to is a stage, `scratch`, or an image that may be used."""
    if any(name == "platform" for name, _ in instruction.flags):
        scope.notice("attribute-dropped", msg("The platform is that of the grader's machine."))
    if any(name != "platform" for name, _ in instruction.flags):
        scope.error("dockerfile-flag", msg("FROM takes only the option --platform."))
    match = _FROM.match(instruction.rest)
    if not match or any(c in instruction.rest for c in "\"'\\`"):
        scope.error("dockerfile-from", msg("FROM is written as FROM image, or FROM image AS name."))
        return None
    stage = match["stage"] or ""
    if stage and not _STAGE.match(stage):
        scope.error("dockerfile-from", msg("%(name)s is not the name of a stage.", name=stage[:60]))
        return None
    written, known = expand(match["image"], stages.global_arguments)
    if not known or not written:
        scope.error(
            "dockerfile-from",
            msg("%(image)s has a variable without a value.", image=match["image"][:100]),
            msg("Give the ARG above FROM a default value."),
        )
        stages.names.append(stage.lower())
        stages.bases.append("scratch")
        return None
    earlier = None if written.isdigit() else stages.find(written)
    name = written
    if earlier is not None:
        base = str(earlier)
    elif written == "scratch":
        base = "scratch"
    else:
        image = judge_image(scope, written)
        name = image.name if image else written
        base = name if image else "scratch"
        if image:
            stages.images.append(name)
    stages.names.append(stage.lower())
    stages.bases.append(base)
    rest = f"{name} AS {stage}" if stage else name
    return df.Instruction("FROM", [], rest, instruction.line)


def judge_copy_source(scope: Scope, stages: Stages, name: str) -> str | None:
    """Return what `--from` or `from=` is written as, or None after a complaint."""
    if "$" in name or not name:
        scope.error(
            "dockerfile-from", msg("%(name)s must name a stage or an image without variables.", name=name[:80] or '""')
        )
        return None
    if name.isdigit():
        if int(name) >= len(stages.names) - 1:
            scope.error("dockerfile-from", msg("There is no stage %(name)s above this line.", name=name[:20]))
            return None
        return name
    stage = stages.find(name)
    if stage is not None and stage < len(stages.names) - 1:
        return name
    image = judge_image(scope, name)
    if image is None:
        return None
    stages.images.append(image.name)
    return image.name
