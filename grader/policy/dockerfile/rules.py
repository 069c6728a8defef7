"""Judging a Dockerfile: which images it starts from and copies from, and what its instructions may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.collect import Place
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.classic import only
from grader.policy.dockerfile.copy import judge_copy
from grader.policy.dockerfile.images import Stages, judge_from
from grader.policy.dockerfile.metadata import (
    judge_expose,
    judge_healthcheck,
    judge_stopsignal,
    judge_user,
    judge_volume,
    judge_workdir,
)
from grader.policy.dockerfile.reading import Kept, Reading, State, line_of
from grader.policy.dockerfile.run import judge_run
from grader.policy.dockerfile.words import exec_form, expand, json_words, pairs, split
from grader.policy.near import nearest

if TYPE_CHECKING:
    from grader.model.plan import Health
    from grader.policy.scope import Scope

_OFFICIAL_SYNTAX = re.compile(
    r"(docker\.io/)?docker/dockerfile(:(latest|labs|experimental|1(\.\d+)*(-labs|-experimental)?))?(@sha256:[0-9a-f]{64})?\Z"
)
# What BuildKit finds while it reads a file, also in stages that it does not build.
_FOUND_WHILE_READING = re.compile(r"dockerfile-.*|\w+-unreadable")
_NAME = re.compile(r"[\w.-]+\Z")
MAX_STAGES = 50  # each of them repeats what its base has behind ONBUILD
MAX_TRIGGERS = 50
_NO_TRIGGERS = frozenset({"", "FROM", "ONBUILD", "MAINTAINER"})

Judge = Callable[[Reading, df.Instruction], Kept]


@dataclass(slots=True, frozen=True)
class Judged:
    """What is built: the canonical text, the images that it names, the texts that it copies.

    root: the image that the target grows from. health: what the stages on the way to it say of a health check.
    """

    text: str
    base_images: tuple[str, ...]
    stages: Stages
    root: str
    health: Health
    files: tuple[tuple[str, str], ...] = ()


def judge_dockerfile(
    scope: Scope,
    data: bytes,
    arguments: dict[str, str],
    target: str,
    images: dict[str, State] | None = None,
    also: Callable[[Kept, Stages, str], None] | None = None,
) -> Judged | None:
    """Judge a Dockerfile whose place is `scope`; returns None after a complaint.

    images: name -> what an image leaves to a stage that starts from it, as far as that is known. also: judges what is
    kept as a whole, and may change it.
    """
    try:
        parsed = df.parse(data)
    except df.DockerfileError as error:
        line_of(scope, error.line).error(error.code, error.message)
        return None
    reading = Reading(scope, Stages(), arguments, images=images or {})
    if parsed.syntax:
        at = line_of(scope, parsed.syntax_line)
        if _OFFICIAL_SYNTAX.match(parsed.syntax):
            at.notice("attribute-dropped", msg("The syntax directive is left out; the engine's own frontend builds."))
        else:
            at.error(
                "dockerfile-frontend",
                msg("A foreign frontend (%(name)s) may not control the build.", name=parsed.syntax[:80]),
            )
    reading.escape = parsed.escape
    kept = [k for i in parsed.instructions for k in _judge(reading, i)]
    if not reading.stages.names:
        scope.error("dockerfile-empty", msg("The Dockerfile has no FROM."))
        return None
    if also:
        also(kept, reading.stages, target)
    needed = reading.stages.needed(target)
    root, way = reading.stages.base_of(reading.stages.target(target))
    _tell(reading, scope, needed)
    return Judged(
        df.write(df.Dockerfile(only(kept, needed), parsed.escape)),
        tuple(dict.fromkeys(image for stage in sorted(needed) for image in reading.stages.images[stage])),
        reading.stages,
        root,
        _health(kept, way),
        tuple(reading.files.items()),
    )


def _health(kept: Kept, way: list[int]) -> Health:
    """Return what the stages on the way from the target to its image say of a health check; the last one counts."""
    number = -1
    said: dict[int, Health] = {}
    for instruction in kept:
        number += instruction.keyword == "FROM"
        if instruction.keyword == "HEALTHCHECK":
            said[number] = "none" if instruction.rest.strip().upper() == "NONE" else "own"
    return next((said[stage] for stage in way if stage in said), "")


def _tell(reading: Reading, scope: Scope, needed: set[int]) -> None:
    """Say what was found in the stages; in one that is not built only what keeps every builder from reading on."""
    for stage, found in enumerate(reading.found):
        for finding in found.all:
            if stage in needed or _FOUND_WHILE_READING.fullmatch(finding.code):
                place = Place(finding.file, finding.line, finding.path)
                (scope.sink or scope.project.out).add(
                    finding.severity, finding.code, place, finding.message, finding.remedy
                )


def _judge(reading: Reading, instruction: df.Instruction) -> Kept:
    at = reading.at(instruction)
    judge = INSTRUCTIONS.get(instruction.keyword)
    if judge is None:
        meant = nearest(instruction.keyword, INSTRUCTIONS)
        at.error(
            "dockerfile-instruction",
            msg("%(keyword)s is no instruction of a Dockerfile.", keyword=instruction.keyword[:40]),
            msg("Did you mean %(meant)s?", meant=meant) if meant else None,
        )
        return []
    if not reading.stages.names and instruction.keyword not in {"FROM", "ARG"}:
        at.error(
            "dockerfile-instruction", msg("%(keyword)s stands before the first FROM.", keyword=instruction.keyword)
        )
        return []
    if instruction.flags and instruction.keyword not in {"FROM", "RUN", "COPY", "ADD", "HEALTHCHECK"}:
        at.error("dockerfile-flag", msg("%(keyword)s takes no options here.", keyword=instruction.keyword))
        return []
    return judge(reading, instruction)


def _from(reading: Reading, instruction: df.Instruction) -> Kept:
    """Begin a stage; what a stage above has put behind ONBUILD is done here, where it goes off."""
    if len(reading.stages.names) >= MAX_STAGES:
        return _too_many(reading, instruction, MAX_STAGES)
    reading.begin()
    kept = judge_from(reading.at(instruction), reading.stages, instruction, reading.escape)
    base = reading.stages.bases[-1]
    parent = reading.states[int(base)] if base.isdecimal() else None
    image = reading.images.get(base)
    reading.state = parent.child() if parent else image.child() if image else State()
    reading.states.append(reading.state)
    if kept is None:
        return []
    for trigger in image.triggers if image else ():
        _of_image(reading, base, _moved(trigger, instruction.line))
    triggers = parent.triggers if parent else []
    return [kept, *(k for t in triggers for k in _judge(reading, _moved(t, instruction.line)))]


def _of_image(reading: Reading, image: str, trigger: df.Instruction) -> None:
    """Judge what an image does to whatever is built on it: the engine does it as it stands, so nothing is changed."""
    before = len(reading.found[-1].errors)
    kept = _judge(reading, trigger) if trigger.keyword not in _NO_TRIGGERS else []
    plain = reading.escape == "\\" and all(name == "chown" for name, _ in trigger.flags)
    changed = [(k.keyword, k.flags) for k in kept] != [(trigger.keyword, trigger.flags)]
    if (changed or not plain) and len(reading.found[-1].errors) == before:
        reading.at(trigger).error(
            "image-onbuild",
            msg(
                "%(image)s does more to what is built on it than a Dockerfile may (ONBUILD %(keyword)s).",
                image=image,
                keyword=trigger.keyword[:20],
            ),
            msg("Start from an image that does nothing by itself, and write these instructions here."),
        )


def _too_many(reading: Reading, instruction: df.Instruction, limit: int) -> Kept:
    reading.at(instruction).error(
        "dockerfile-too-large",
        msg("There are more than %(limit)d %(keyword)s.", limit=limit, keyword=instruction.keyword),
    )
    return []


def _moved(instruction: df.Instruction, line: int) -> df.Instruction:
    return df.Instruction(instruction.keyword, instruction.flags, instruction.rest, line, instruction.heredocs)


def _arg(reading: Reading, instruction: df.Instruction) -> Kept:
    """Learn an argument's value: the compose file's, else its default."""
    globals_ = reading.stages.global_arguments
    inside = bool(reading.stages.names)
    scope = reading.state.args if inside else globals_
    words = [word.partition("=") for word in split(instruction.rest, reading.escape) or []]
    found = [(name, value if equals else None) for name, equals, value in words]
    if not found or not all(_NAME.match(name) for name, _ in found):
        return _unreadable(reading, instruction)
    for name, default in found:
        if name in reading.arguments:
            scope[name] = reading.arguments[name]
        elif default is not None:
            value, known = reading.word(default) if inside else expand(default, globals_, reading.escape)
            scope[name] = value if known else None
        elif inside and name in globals_:
            scope[name] = globals_[name]
    return [instruction]


def _env(reading: Reading, instruction: df.Instruction) -> Kept:
    """Learn variables; those of one line do not see each other."""
    found = pairs(instruction.rest, reading.escape)
    if found is None or any(value is None or not _NAME.match(name) for name, value in found):
        return _unreadable(reading, instruction)
    values = {name: reading.word(value or "") for name, value in found}
    reading.state.env.update({name: value if known else None for name, (value, known) in values.items()})
    return [instruction]


def _unreadable(reading: Reading, instruction: df.Instruction) -> Kept:
    reading.at(instruction).error(
        "dockerfile-syntax",
        msg("The assignments of this %(keyword)s cannot be read.", keyword=instruction.keyword),
        msg("Write NAME=value, in quotes if the value has blanks."),
    )
    return []


def _shell(reading: Reading, instruction: df.Instruction) -> Kept:
    words = json_words(instruction.rest)
    if not words:
        reading.at(instruction).error("dockerfile-syntax", msg('SHELL is written as ["program", "argument"].'))
        return []
    reading.state.shell = tuple(words)
    return [df.Instruction(instruction.keyword, [], exec_form(*words), instruction.line)]


def _run(reading: Reading, instruction: df.Instruction) -> Kept:
    kept = judge_run(reading.at(instruction), reading.stages, instruction, reading.state.shell)
    return [] if kept is None else [kept]


def _onbuild(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge what stands behind it, and keep it for the stages that start from this one: nothing else does."""
    at = reading.at(instruction)
    try:
        inner = df.inner(instruction)
    except df.DockerfileError as error:
        at.error(error.code, error.message)
        return []
    if inner.keyword in _NO_TRIGGERS or inner.keyword not in INSTRUCTIONS:
        at.error(
            "dockerfile-onbuild",
            msg("ONBUILD is not allowed with this instruction."),
            msg("Write the instruction itself where it is needed."),
        )
        return []
    state = reading.state
    if len(state.triggers) >= MAX_TRIGGERS:
        return _too_many(reading, instruction, MAX_TRIGGERS)
    reading.state, reading.in_trigger = state.copy(), True
    _judge(reading, inner)
    reading.state, reading.in_trigger = state, False
    state.triggers.append(inner)
    return []


def _keep(reading: Reading, instruction: df.Instruction) -> Kept:
    if not instruction.rest:
        reading.at(instruction).error(
            "dockerfile-syntax", msg("%(keyword)s has nothing behind it.", keyword=instruction.keyword)
        )
        return []
    return [instruction]


def _strip(_reading: Reading, _instruction: df.Instruction) -> Kept:
    return []


INSTRUCTIONS: dict[str, Judge] = {
    "FROM": _from,
    "ARG": _arg,
    "ENV": _env,
    "COPY": judge_copy,
    "ADD": judge_copy,
    "RUN": _run,
    "WORKDIR": judge_workdir,
    "VOLUME": judge_volume,
    "EXPOSE": judge_expose,
    "HEALTHCHECK": judge_healthcheck,
    "SHELL": _shell,
    "ONBUILD": _onbuild,
    "USER": judge_user,
    "CMD": _keep,
    "ENTRYPOINT": _keep,
    "STOPSIGNAL": judge_stopsignal,
    "LABEL": _strip,  # tools on the machine obey labels
    "MAINTAINER": _strip,
}
