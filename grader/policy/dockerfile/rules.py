"""Judging a Dockerfile: which images it starts from and copies from, and what its instructions may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.copy import judge_copy
from grader.policy.dockerfile.images import Stages, judge_from
from grader.policy.dockerfile.metadata import judge_expose, judge_healthcheck, judge_volume, judge_workdir
from grader.policy.dockerfile.reading import Kept, Reading, line_of
from grader.policy.dockerfile.run import judge_run
from grader.policy.dockerfile.words import expand, json_words, pairs
from grader.policy.near import nearest
from grader.policy.witness import judge_witness_stage

if TYPE_CHECKING:
    from grader.policy.scope import Scope

_OFFICIAL_SYNTAX = re.compile(r"docker/dockerfile:1(\.\d+)*(-labs)?(@sha256:[0-9a-f]{64})?\Z")


Judge = Callable[[Reading, df.Instruction], Kept]


@dataclass(slots=True, frozen=True)
class Judged:
    """What is built: the canonical text and the images that it names."""

    text: str
    base_images: tuple[str, ...]
    stages: Stages


def judge_dockerfile(scope: Scope, data: bytes, arguments: dict[str, str], target: str) -> Judged | None:
    """Judge a Dockerfile whose place is `scope`; returns None after a complaint."""
    try:
        parsed = df.parse(data)
    except df.DockerfileError as error:
        line_of(scope, error.line).error(error.code, error.message)
        return None
    reading = Reading(scope, Stages(), arguments)
    if parsed.syntax:
        at = line_of(scope, parsed.syntax_line)
        if _OFFICIAL_SYNTAX.match(parsed.syntax):
            at.notice("attribute-dropped", msg("The syntax directive is left out; the engine's own frontend builds."))
        else:
            at.error(
                "dockerfile-frontend",
                msg("A foreign frontend (%(name)s) may not control the build.", name=parsed.syntax[:80]),
            )
    judged = [(i, _judge(reading, i)) for i in parsed.instructions]
    if not reading.stages.names:
        scope.error("dockerfile-empty", msg("The Dockerfile has no FROM."))
        return None
    if scope.witness:
        judge_witness_stage(scope, parsed.instructions, reading.stages, target)
    kept = [k for _, k in judged if k is not None]
    return Judged(
        df.write(df.Dockerfile(kept, parsed.escape)), tuple(dict.fromkeys(reading.stages.images)), reading.stages
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
        return None
    if not reading.stages.names and instruction.keyword not in {"FROM", "ARG"}:
        at.error(
            "dockerfile-instruction", msg("%(keyword)s stands before the first FROM.", keyword=instruction.keyword)
        )
        return None
    if instruction.flags and instruction.keyword not in {"FROM", "RUN", "COPY", "ADD", "HEALTHCHECK"}:
        at.error("dockerfile-flag", msg("%(keyword)s takes no options here.", keyword=instruction.keyword))
        return None
    return judge(reading, instruction)


def _from(reading: Reading, instruction: df.Instruction) -> Kept:
    kept = judge_from(reading.at(instruction), reading.stages, instruction)
    reading.variables, reading.folder, reading.shell = {}, "/", ("/bin/sh", "-c")
    return kept


def _arg(reading: Reading, instruction: df.Instruction) -> Kept:
    """Learn an argument's value: the compose file's, else its default."""
    scope = reading.stages.global_arguments if not reading.stages.names else reading.variables
    for name, default in pairs(instruction.rest):
        known = {**reading.stages.global_arguments, **scope}
        if name in reading.arguments:
            scope[name] = reading.arguments[name]
        elif "=" in instruction.rest:
            scope[name] = expand(default, known)[0]
        elif name in reading.stages.global_arguments:
            scope[name] = reading.stages.global_arguments[name]
    return instruction


def _env(reading: Reading, instruction: df.Instruction) -> Kept:
    for name, text in pairs(instruction.rest):
        reading.variables[name] = expand(text, reading.variables)[0]
    return instruction


def _shell(reading: Reading, instruction: df.Instruction) -> Kept:
    words = json_words(instruction.rest)
    if not words:
        reading.at(instruction).error("dockerfile-syntax", msg('SHELL is written as ["program", "argument"].'))
        return None
    reading.shell = tuple(words)
    return instruction


def _run(reading: Reading, instruction: df.Instruction) -> Kept:
    return judge_run(reading.at(instruction), reading.stages, instruction, reading.shell)


def _onbuild(reading: Reading, instruction: df.Instruction) -> Kept:
    reading.at(instruction).error(
        "dockerfile-onbuild", msg("ONBUILD is not allowed."), msg("Write the instruction itself where it is needed.")
    )
    return None


def _keep(_reading: Reading, instruction: df.Instruction) -> Kept:
    return instruction


def _strip(_reading: Reading, _instruction: df.Instruction) -> Kept:
    return None


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
    "USER": _keep,
    "CMD": _keep,
    "ENTRYPOINT": _keep,
    "STOPSIGNAL": _keep,
    "LABEL": _strip,  # tools on the machine obey labels
    "MAINTAINER": _strip,
}
