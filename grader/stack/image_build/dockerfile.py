"""A judged Dockerfile as the engine's builder gets it: without empty lines, each stage with a label of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from grader.model.plan import Build

# On every stage, so that layers which nobody's image needs any more can be told from those of others, and removed.
LAYER_LABEL = "grader.layer"
STAGE = re.compile(r"FROM (?P<base>\S+)(?: AS (?P<name>\S+))?$", re.IGNORECASE)


class Step(msgspec.Struct, frozen=True):
    """One instruction: its line in the submission's file, and whether it is ours, for the sake of that line."""

    line: int
    added: bool = False


def for_engine(build: Build) -> tuple[str, tuple[Step, ...]]:
    """Return a Dockerfile as the engine's builder gets it, and where each of its instructions comes from."""
    numbered = [(n, line) for n, line in enumerate(build.text.splitlines(), 1) if line]
    directives = [line for _, line in numbered if line.startswith("#")]
    instructions = [(n, line) for n, line in numbered if not line.startswith("#")]
    steps = [Step(n) for n, _ in instructions]
    if build.lines:
        steps = [Step(n, ours) for n, ours in zip(build.lines, build.added, strict=True)]
    silenced = [f'{name}=""' for name in build.silenced]
    kept: list[tuple[Step, str]] = []
    for step, (_, line) in zip(steps, instructions, strict=True):
        kept.append((step, line))
        if STAGE.match(line):
            kept.append((Step(step.line, added=True), " ".join([f"LABEL {LAYER_LABEL}=1", *silenced])))
    return "\n".join([*directives, *(line for _, line in kept)]) + "\n", tuple(step for step, _ in kept)
