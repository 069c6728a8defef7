"""Images in a Dockerfile: FROM, COPY --from and RUN --mount=from name a stage or an image that may be used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.words import expand, fields
from grader.policy.image_names import judge_image

if TYPE_CHECKING:
    from grader.policy.scope import Scope

_STAGE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,127}\Z")
_NUMBER = re.compile(r"[0-9]{1,6}\Z")
_RESERVED = frozenset({"scratch", "context"})  # newer builders refuse them, older ones take them for stages
_FROM_WORDS = (1, 3)


@dataclass(slots=True)
class Stages:
    """The stages read so far: the images and the other stages that each and its copies come from."""

    names: list[str] = field(default_factory=list)  # "" for a stage without a name
    bases: list[str] = field(default_factory=list)  # per stage: an image's name, "scratch", or another stage's number
    images: list[list[str]] = field(default_factory=list)  # per stage
    sources: list[set[int]] = field(default_factory=list)  # per stage: the stages that it copies or mounts
    global_arguments: dict[str, str | None] = field(default_factory=dict)

    def find(self, name: str) -> int | None:
        """Return the number of the stage that `name` means, or None."""
        if _NUMBER.match(name) and int(name) < len(self.names):
            return int(name)
        lowered = name.lower()
        return next((i for i in range(len(self.names) - 1, -1, -1) if self.names[i] == lowered and lowered), None)

    def begin(self, name: str, base: str) -> None:
        """Begin a stage that grows from `base`: an image, "scratch", or the number of an earlier stage."""
        self.names.append(name.lower())
        self.bases.append(base)
        self.images.append([] if base == "scratch" or base.isdigit() else [base])
        self.sources.append(set())

    def target(self, name: str) -> int:
        """Return the number of the stage that is built: the last one if `name` is "" or unknown."""
        found = self.find(name) if name else None
        return len(self.names) - 1 if found is None else found

    def needed(self, target: str) -> set[int]:
        """Return the stages that the target (the last one if it is "" or unknown) grows or copies from, and itself."""
        waiting, found = [self.target(target)], set[int]()
        while waiting:
            stage = waiting.pop()
            if stage not in found:
                found.add(stage)
                waiting += [*self.sources[stage], *map(int, filter(str.isdigit, [self.bases[stage]]))]
        return found

    def base_of(self, stage: int) -> tuple[str, list[int]]:
        """Return the image that a stage grows from, and the stages on the way."""
        way = [stage]
        while self.bases[stage].isdigit():
            stage = int(self.bases[stage])
            way.append(stage)
        return self.bases[stage], way


def judge_from(scope: Scope, stages: Stages, instruction: df.Instruction, escape: str) -> df.Instruction | None:
    """Judge a FROM: the name that it expands to is a stage, `scratch`, or an image that may be used."""
    if any(name == "platform" for name, _ in instruction.flags):
        scope.notice("attribute-dropped", msg("The platform is that of the grader's machine."))
    if any(name != "platform" for name, _ in instruction.flags):
        scope.error("dockerfile-flag", msg("FROM takes only the option --platform."))
    words = fields(instruction.rest)
    if len(words) not in _FROM_WORDS or (len(words) > 1 and words[1].upper() != "AS"):
        scope.error("dockerfile-from", msg("FROM is written as FROM image, or FROM image AS name."))
        _failed(stages)
        return None
    stage = words[2] if len(words) > 1 else ""
    if stage and (not _STAGE.match(stage) or stage.lower() in _RESERVED):
        scope.error("dockerfile-from", msg("%(name)s is not the name of a stage.", name=stage[:60]))
        _failed(stages)
        return None
    written, known = expand(words[0], stages.global_arguments, escape)
    if not known or not written:
        scope.error(
            "dockerfile-from",
            msg("%(image)s has a variable without a value.", image=words[0][:100]),
            msg("Give the ARG above FROM a default value."),
        )
        _failed(stages, stage)
        return None
    name, base = _base(scope, stages, written)
    stages.begin(stage, base)
    rest = f"{name} AS {stage}" if stage else name
    return df.Instruction("FROM", [], rest, instruction.line)


def _failed(stages: Stages, stage: str = "") -> None:
    """Let what follows be judged as a stage all the same."""
    stages.begin(stage, "scratch")


def _base(scope: Scope, stages: Stages, written: str) -> tuple[str, str]:
    """Return what a FROM is written as, and what its stage grows from."""
    earlier = None if _NUMBER.match(written) else stages.find(written)
    if earlier is not None:
        return written, str(earlier)
    if written == "scratch":
        return written, written
    image = judge_image(scope, written)
    if image is None:
        return written, "scratch"
    return image.name, image.name


def judge_copy_source(scope: Scope, stages: Stages, name: str) -> str | None:
    """Return what `--from` or `from=` is written as, or None after a complaint."""
    if "$" in name or not name:
        scope.error(
            "dockerfile-from", msg("%(name)s must name a stage or an image without variables.", name=name[:80] or '""')
        )
        return None
    if _NUMBER.match(name):
        if int(name) >= len(stages.names) - 1:
            scope.error("dockerfile-from", msg("There is no stage %(name)s above this line.", name=name[:20]))
            return None
        stages.sources[-1].add(int(name))
        return name
    stage = stages.find(name)
    if stage is not None and stage < len(stages.names) - 1:
        stages.sources[-1].add(stage)
        return name
    image = judge_image(scope, name)
    if image is None:
        return None
    stages.images[-1].append(image.name)
    return image.name
