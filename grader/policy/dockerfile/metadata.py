"""Judging what a Dockerfile says about its containers: folder, volumes, ports, health check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.words import expand, json_words, unquote
from grader.policy.values import seconds

if TYPE_CHECKING:
    from grader.policy.dockerfile.reading import Kept, Reading

_SYSTEM = re.compile(r"/+(proc|sys|dev)(/|\Z)")
MAX_PORTS = 50
MIN_INTERVAL_S = 1.0
MAX_TIMEOUT_S = 60.0


def judge_workdir(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge the instruction of that name."""
    path, known = expand(unquote(instruction.rest), reading.variables)
    reading.folder = path if path.startswith("/") else f"{reading.folder.rstrip('/')}/{path}"
    suspicious = not known and re.search(r"proc|sys|dev", instruction.rest)
    if ".." in path.split("/") or _SYSTEM.match(re.sub(r"/(\./)+", "/", reading.folder)) or suspicious:
        reading.at(instruction).error("workdir", msg("%(path)s may not be the working directory.", path=path[:80]))
    return instruction


def judge_volume(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge the instruction of that name."""
    for word in json_words(instruction.rest) or instruction.rest.split():
        path, known = expand(unquote(word), reading.variables)
        if not known or not path.startswith("/") or ".." in path.split("/") or _SYSTEM.match(path) or path == "/":
            reading.at(instruction).error(
                "mount-target", msg("Nothing may be mounted at %(target)s.", target=word[:80])
            )
    return instruction


def judge_expose(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge the instruction of that name."""
    words = instruction.rest.split()
    if len(words) > MAX_PORTS or any("-" in w for w in words):
        reading.at(instruction).error(
            "too-many-ports", msg("EXPOSE takes single ports here, at most %(limit)d.", limit=MAX_PORTS)
        )
    return instruction


def judge_healthcheck(reading: Reading, instruction: df.Instruction) -> Kept:
    """Keep the check within the limits of the compose file's healthcheck."""
    flags = []
    for name, given in instruction.flags:
        length = seconds(given)
        if name in {"interval", "timeout", "start-period"} and length is None:
            reading.at(instruction).error("attribute-value", msg("%(value)s is not a duration.", value=given[:60]))
            continue
        if name == "interval" and length is not None and length < MIN_INTERVAL_S:
            given = "1s"  # noqa: PLW2901 - the limited value takes its place
        elif name == "timeout" and length is not None and length > MAX_TIMEOUT_S:
            given = "60s"  # noqa: PLW2901
        if name != "start-interval":  # engines before 25 do not know it
            flags.append((name, given))
    return df.Instruction(instruction.keyword, flags, instruction.rest, instruction.line)
