"""A judged Dockerfile as the engine's builder gets it: only what the target needs, each stage with a label of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.model.plan import Build

# On every stage, so that layers which nobody's image needs any more can be told from those of others, and removed.
LAYER_LABEL = "grader.layer"
STAGE = re.compile(r"FROM (?P<base>\S+)(?: AS (?P<name>\S+))?$", re.IGNORECASE)
_FROM_STAGE = re.compile(r"^COPY (?:--\S+ )*?--from=(?P<stage>\S+)", re.IGNORECASE)


def for_engine(build: Build) -> tuple[str, tuple[int, ...]]:
    """Return a Dockerfile as the engine's builder gets it, and per instruction its line in the submission (0: ours).

    Stages that the target does not need lose their instructions, since this builder makes all that stand above it;
    they keep their place, for stages may be meant by number.
    """
    needed = _needed(build.text, build.target)
    numbered = [(n, line) for n, line in enumerate(build.text.splitlines(), 1) if line]
    directives = [line for _, line in numbered if line.startswith("#")]
    instructions = [(n, line) for n, line in numbered if not line.startswith("#")]
    if build.lines:
        instructions = [(own, line) for own, (_, line) in zip(build.lines, instructions, strict=True)]
    stage = -1
    kept: list[tuple[int, str]] = []
    for number, line in instructions:
        if STAGE.match(line):
            stage += 1
            kept += [(number, line), (0, f"LABEL {LAYER_LABEL}=1")]
        elif stage < 0 or stage in needed:
            kept.append((number, line))
    return "\n".join([*directives, *(line for _, line in kept)]) + "\n", tuple(number for number, _ in kept)


def _needed(text: str, target: str) -> set[int]:
    """Return the numbers of the stages that the target grows from or copies from, however far."""
    names: list[str] = []
    wants: list[set[str]] = []
    for line in text.splitlines():
        if match := STAGE.match(line):
            names.append((match["name"] or "").lower())
            wants.append({match["base"].lower()})
        elif (match := _FROM_STAGE.match(line)) and wants:
            wants[-1].add(match["stage"].lower())

    def number(name: str, before: int) -> int | None:
        if name.isdigit():
            return int(name) if int(name) < before else None
        return next((i for i in range(before - 1, -1, -1) if names[i] == name), None)

    last = number(target.lower(), len(names)) if target else len(names) - 1
    waiting, found = [len(names) - 1 if last is None else last], set[int]()
    while waiting:
        stage = waiting.pop()
        if stage not in found and stage >= 0:
            found.add(stage)
            waiting += [n for name in wants[stage] if (n := number(name, stage)) is not None]
    return found
