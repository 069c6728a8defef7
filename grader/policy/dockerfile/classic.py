"""Saying in the words of the engine's classic builder what only BuildKit has words for: modes and mounts.

The classic builder is the one whose steps can be limited (`grader.stack.image_build`). Copying with a mode becomes a
mode of a file in the context, or a stage that sets it; a mount becomes a copy, which stays in the image and changes
nothing for what runs. Stages that the target does not need are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from grader.errors import GraderError
from grader.model.plan import NOTHING_THERE
from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.copy import TEXTS
from grader.policy.dockerfile.words import exec_form, json_words

_MODE = re.compile(r"0?[0-7]{3,4}\Z")
_KNOWN = {"COPY": frozenset({"from", "chown"}), "ADD": frozenset({"chown"}), "RUN": frozenset[str]()}
_PERMISSIONS = 0o777
_READABLE = 0o555  # with these a file may have its mode wherever else it is copied; with fewer it is a file of its own
_SO_ANYWAY = {("network", "default"), ("network", "none"), ("security", "sandbox")}
_FOR_THE_SHELL = re.compile(r"([^\w./*?\[\]-])")  # all else of a pattern means the same to the builder and to a shell
_EMPTY = "grader-empty"  # a stage with an empty folder


@dataclass(slots=True)
class Classic:
    """What the engine is given: the instructions, and the files of the context whose mode is another one."""

    instructions: list[df.Instruction] = field(default_factory=list)
    modes: list[tuple[str, int]] = field(default_factory=list)


def only(instructions: list[df.Instruction], stages: set[int]) -> list[df.Instruction]:
    """Return the instructions of these stages, and what stands before the first one.

    BuildKit builds no others either; the classic builder makes all that stand above the target.
    """
    if len(stages) >= sum(i.keyword == "FROM" for i in instructions):
        return instructions
    number, kept = -1, []
    for instruction in named(instructions):
        number += instruction.keyword == "FROM"
        if number < 0 or number in stages:
            kept.append(instruction)
    return kept


def classic(instructions: list[df.Instruction]) -> Classic:
    """Return the same build without --chmod and --mount.

    What is added for an instruction has its line. Raises GraderError for what cannot be said: that is no fault of
    whoever wrote it.
    """
    found = Classic()
    for plain in named(instructions):
        if plain.keyword == "RUN":
            _mounts(found, plain)
        elif plain.keyword in {"COPY", "ADD"}:
            _mode(found, plain)
        for name, _ in plain.flags:
            if name not in _KNOWN.get(plain.keyword, {name}):
                raise _cannot(f"{plain.keyword} --{name}")
        found.instructions.append(plain)
    return found


def named(instructions: list[df.Instruction]) -> list[df.Instruction]:
    """Return the same with a name for every stage in place of its number: stages come in between and go."""
    words = [i.rest.split() for i in instructions if i.keyword == "FROM"]
    names = [word[2] if len(word) > 2 else f"grader-stage-{number}" for number, word in enumerate(words)]
    stage, found = -1, []
    for instruction in instructions:
        rest = instruction.rest
        if instruction.keyword == "FROM":
            stage += 1
            rest = f"{words[stage][0]} AS {names[stage]}"
        flags = [(n, _source(n, v, names)) for n, v in instruction.flags]
        found.append(df.Instruction(instruction.keyword, flags, rest, instruction.line))
    return found


def _source(flag: str, value: str, names: list[str]) -> str:
    """Return the value of an option with a stage's name in place of its number."""
    if flag == "from" and value.isdigit() and int(value) < len(names):
        return names[int(value)]
    if flag == "mount":
        parts = [part.partition("=") for part in value.split(",")]
        return ",".join(f"{n}{equals}{_source(n, v, names) if n == 'from' else v}" for n, equals, v in parts)
    return value


def _mounts(found: Classic, run: df.Instruction) -> None:
    """Turn the mounts of a RUN into copies before it: of files, or of an empty folder for what builds would share."""
    kept = []
    for name, value in run.flags:
        if (name, value) in _SO_ANYWAY:
            continue
        if name != "mount":
            kept.append((name, value))
            continue
        options = dict(part.partition("=")[::2] for part in value.split(","))
        target = options.get("target") or options.get("dst") or options.get("destination") or ""
        target = target.rstrip("/")  # behind which a copy would put a file, where a mount is the file
        if not target:
            raise _cannot("RUN --mount")
        if options.get("type", "bind") == "bind":
            flags = [("from", options["from"])] if "from" in options else []
            source = options.get("source", options.get("src", "."))
        else:
            _empty(found, run.line)
            owner = f"{options.get('uid', '0')}:{options.get('gid', '0')}"
            flags = [("from", _EMPTY), *([("chown", owner)] if owner != "0:0" else [])]
            source = "/empty/"
        found.instructions.append(_added("COPY", exec_form(source, target), run.line, flags))
    run.flags = kept


def _empty(found: Classic, line: int) -> None:
    """Begin with a stage that has an empty folder, if none does yet; it needs no program."""
    if not any(i.added and i.rest.endswith(f" AS {_EMPTY}") for i in found.instructions):
        first = next(n for n, i in enumerate(found.instructions) if i.keyword == "FROM")
        found.instructions[first:first] = [
            _added("FROM", f"scratch AS {_EMPTY}", line),
            _added("WORKDIR", "/empty", line),
        ]


def _mode(found: Classic, copy: df.Instruction) -> None:
    """Take --chmod out of a COPY or ADD and give its sources that mode."""
    flags = dict(copy.flags)
    mode = flags.pop("chmod", None)
    if mode is None:
        return
    *sources, target = json_words(copy.rest) or copy.rest.split()
    if not _MODE.match(mode) or any(c in source for source in sources for c in "$\\`'\""):
        raise _cannot(f"{copy.keyword} --chmod={mode[:20]}")
    copy.flags = list(flags.items())
    if "from" not in flags:
        paths = [_relative(source) for source in sources]
        number = int(mode, 8) & _PERMISSIONS
        if number & _READABLE != _READABLE and not all(path.startswith(f"{TEXTS}/") for path in paths):
            paths = [path if path.startswith(f"{TEXTS}/") else f"{TEXTS}/{number:04o}/{path}" for path in paths]
            copy.rest = exec_form(*paths, target) if json_words(copy.rest) else " ".join([*paths, target])
        found.modes += [(path, number) for path in paths]
        return
    # The files lie in another stage or image: one more stage grows from it, in which they have the mode.
    name = f"grader-mode-{sum(i.keyword == 'FROM' and i.added for i in found.instructions)}"
    words = " ".join(_FOR_THE_SHELL.sub(r"\\\1", "/" + source.lstrip("/")) for source in sources)
    script = f'for each in {words}; do test -e "$each" || exit {NOTHING_THERE}; done; chmod -R {mode} {words}'
    begun = max(n for n, i in enumerate(found.instructions) if i.keyword == "FROM" and not i.added)
    found.instructions[begun:begun] = [
        _added("FROM", f"{flags['from']} AS {name}", copy.line),
        _added("USER", "0", copy.line),
        _added("RUN", exec_form("/bin/sh", "-c", script), copy.line),  # whatever its SHELL is
    ]
    copy.flags = [(n, name if n == "from" else v) for n, v in copy.flags]


def _added(keyword: str, rest: str, line: int, flags: list[tuple[str, str]] | None = None) -> df.Instruction:
    return df.Instruction(keyword, flags or [], rest, line, added=True)


def _relative(source: str) -> str:
    return source.lstrip("/").removeprefix("./").rstrip("/") or "."


def _cannot(what: str) -> GraderError:
    return GraderError(
        msg("The builder of the grader has no word for %(what)s.", what=what),
        msg("Write the Dockerfile without it; this says nothing about the rest of the submission."),
    )
