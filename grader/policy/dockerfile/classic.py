"""Saying in the words of the engine's classic builder what only BuildKit has words for: modes and mounts.

The classic builder is the one whose steps can be limited (`grader.stack.build`). Copying with a mode becomes a mode
of the file in the context, or a stage that sets it; a mount becomes a copy, which stays in the image and changes
nothing for what runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from grader.errors import GraderError
from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.words import exec_form, json_words

_MODE = re.compile(r"0?[0-7]{3,4}\Z")
_KNOWN = {"COPY": frozenset({"from", "chown"}), "ADD": frozenset({"chown"}), "RUN": frozenset[str]()}
_PERMISSIONS = 0o777


@dataclass(slots=True)
class Classic:
    """What the engine is given: the instructions, and the files of the context whose mode is another one."""

    instructions: list[df.Instruction] = field(default_factory=list)
    modes: list[tuple[str, int]] = field(default_factory=list)


def classic(instructions: list[df.Instruction]) -> Classic:
    """Return the same build without --chmod and --mount.

    Instructions that are ours have line 0. Raises GraderError for what cannot be said: that is no fault of whoever
    wrote it.
    """
    found = Classic()
    names = _names([i for i in instructions if i.keyword == "FROM"])
    stage = -1
    for instruction in instructions:
        rest = instruction.rest
        if instruction.keyword == "FROM":
            stage += 1
            rest = f"{rest.split()[0]} AS {names[stage]}"
        flags = [(n, _named(v, names) if n == "from" else v) for n, v in instruction.flags]
        plain = df.Instruction(instruction.keyword, flags, rest, instruction.line)
        if instruction.keyword == "RUN":
            _mounts(found, plain, names)
        elif instruction.keyword in {"COPY", "ADD"}:
            _mode(found, plain)
        for name, _ in plain.flags:
            if name not in _KNOWN.get(plain.keyword, {name}):
                raise _cannot(f"{plain.keyword} --{name}")
        found.instructions.append(plain)
    return found


def _names(stages: list[df.Instruction]) -> list[str]:
    """Return a name for every stage: stages of ours may come in between, so that numbers would mean others."""
    words = [stage.rest.split() for stage in stages]
    return [word[2] if len(word) > 2 else f"grader-stage-{number}" for number, word in enumerate(words)]


def _named(source: str, names: list[str]) -> str:
    return names[int(source)] if source.isdigit() and int(source) < len(names) else source


def _mounts(found: Classic, run: df.Instruction, names: list[str]) -> None:
    """Turn the mounts of a RUN into copies before it; what only lives in memory is left out."""
    kept = []
    for name, value in run.flags:
        if name == "network" and value in {"default", "none"}:
            continue
        if name != "mount":
            kept.append((name, value))
            continue
        options = dict(part.partition("=")[::2] for part in value.split(","))
        if options.get("type", "bind") != "bind":
            continue
        source = options.get("source", options.get("src", "."))
        target = options.get("target") or options.get("dst") or options.get("destination") or ""
        if not target:
            raise _cannot("RUN --mount")
        source_stage = [("from", _named(options["from"], names))] if "from" in options else []
        found.instructions.append(df.Instruction("COPY", source_stage, exec_form(source, target), 0))
    run.flags = kept


def _mode(found: Classic, copy: df.Instruction) -> None:
    """Take --chmod out of a COPY or ADD and give its sources that mode."""
    flags = dict(copy.flags)
    mode = flags.pop("chmod", None)
    if mode is None:
        return
    *sources, _ = json_words(copy.rest) or copy.rest.split()
    if not _MODE.match(mode) or any("$" in source for source in sources):
        raise _cannot(f"{copy.keyword} --chmod={mode[:20]}")
    copy.flags = list(flags.items())
    if "from" not in flags:
        found.modes += [(_relative(source), int(mode, 8) & _PERMISSIONS) for source in sources]
        return
    # The files lie in another stage or image: one more stage grows from it, in which they have the mode.
    name = f"grader-mode-{sum(i.line == 0 for i in found.instructions)}"
    words = " ".join("/" + source.lstrip("/") for source in sources)
    extra = [
        df.Instruction("FROM", [], f"{flags['from']} AS {name}", 0),
        df.Instruction("USER", [], "0", 0),
        df.Instruction("RUN", [], f"chmod -R {mode} {words}", 0),
    ]
    begun = max(n for n, i in enumerate(found.instructions) if i.keyword == "FROM" and i.line)
    found.instructions[begun:begun] = extra
    copy.flags = [(n, name if n == "from" else v) for n, v in copy.flags]


def _relative(source: str) -> str:
    return source.lstrip("/").removeprefix("./").rstrip("/") or "."


def _cannot(what: str) -> GraderError:
    return GraderError(
        msg("The builder of the grader has no word for %(what)s.", what=what),
        msg("Write the Dockerfile without it; this says nothing about the rest of the submission."),
    )
