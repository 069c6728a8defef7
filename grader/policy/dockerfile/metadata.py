"""Judging what a Dockerfile says about its containers: folder, user, volumes, ports, signal, health check.

What an image brings along in its configuration is held to the same limits (`grader.policy.pulled`).
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.words import fields, half_json, join, json_words, plain, split
from grader.policy.values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.policy.dockerfile.reading import Kept, Reading

_SYSTEM = re.compile(r"/+(proc|sys|dev)(/|\Z)")
# Names and variables: with no more in it, a path cannot come out as one of those that we look for.
_SIMPLE = re.compile(r"(?:[\w/.-]|\$\w+|\$\{\w+(?::?[-+][\w/.-]*)?\})+\Z")
_SIGNAL = re.compile(r"[A-Za-z0-9+-]{1,20}\Z")
_USER = re.compile(r"[\w.-]{1,64}(:[\w.-]{1,64})?\Z")
_CHECK = frozenset({"interval", "timeout", "start-period", "start-interval", "retries"})
MAX_PORTS = 50
MAX_VOLUMES = 50  # each is a volume of its own for each container
MIN_INTERVAL_S = 1.0
MAX_TIMEOUT_S = 60.0


def wrong_folder(path: str) -> bool:
    """Say whether a path leads where no program may start, or climbs."""
    return ".." in path.split("/") or bool(_SYSTEM.match(posixpath.normpath(f"/{path}")))


def wrong_volume(path: str) -> bool:
    """Say whether nothing may be mounted at a path."""
    clean = posixpath.normpath(path) if path else ""
    return not path.startswith("/") or wrong_folder(path) or not clean.strip("/") or any(c in path for c in ":,$\\")


def ports_of(words: Iterable[str]) -> int:
    """Return how many ports these words of EXPOSE stand for."""
    return sum(map(_ports, words))


def user_like(name: str) -> bool:
    """Say whether a text has the form of a user, with a group or without."""
    return bool(_USER.match(name))


def signal_like(name: str) -> bool:
    """Say whether a text has the form of a signal."""
    return bool(_SIGNAL.match(name))


def judge_workdir(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge the instruction of that name."""
    path, known = reading.word(instruction.rest)
    state = reading.state
    folder = posixpath.normpath(posixpath.join(state.folder, path))
    suspicious = not known and (re.search(r"proc|sys|dev", instruction.rest) or not _SIMPLE.match(instruction.rest))
    if ".." in path.split("/") or wrong_folder(folder) or suspicious:
        reading.at(instruction).error("workdir", msg("%(path)s may not be the working directory.", path=path[:80]))
    state.folder = folder
    if known and plain(path):
        return [df.Instruction(instruction.keyword, [], path, instruction.line)]
    return [instruction]


def judge_volume(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge the instruction of that name."""
    words = json_words(instruction.rest)
    found = []
    for word in fields(instruction.rest) if words is None else words:
        path, known = reading.word(word)
        if not known or wrong_volume(path) or half_json(instruction.rest):
            reading.at(instruction).error(
                "mount-target", msg("Nothing may be mounted at %(target)s.", target=word[:80])
            )
        found.append(path)
    reading.state.volumes += len(found)
    if reading.state.volumes > MAX_VOLUMES:
        reading.at(instruction).error("too-many", msg("There are more than %(limit)d volumes.", limit=MAX_VOLUMES))
    return [df.Instruction(instruction.keyword, [], join(found), instruction.line)]


def judge_expose(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge the instruction of that name."""
    words = [reading.word(word)[0] for word in fields(instruction.rest)]
    if ports_of(words) > MAX_PORTS:
        reading.at(instruction).error("too-many-ports", msg("There are more than %(limit)d ports.", limit=MAX_PORTS))
    return [instruction]


def _ports(word: str) -> int:
    """Return how many ports a word stands for; far too many where a range cannot be read."""
    if "-" not in word:
        return 1
    match = re.match(r"([0-9]{1,5})-([0-9]{1,5})(/[a-zA-Z]+)?\Z", word)
    return int(match[2]) - int(match[1]) + 1 if match and int(match[1]) <= int(match[2]) else MAX_PORTS + 1


def judge_user(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge the instruction of that name."""
    name, known = reading.word(instruction.rest)
    if (known and not user_like(name)) or (not known and "$" not in instruction.rest):
        reading.at(instruction).error("attribute-value", msg("%(value)s is not a user.", value=instruction.rest[:60]))
    reading.state.user = name
    return [instruction]


def judge_stopsignal(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge the instruction of that name."""
    name, known = reading.word(instruction.rest)
    if known and not signal_like(name):
        reading.at(instruction).error("attribute-value", msg("%(value)s is not a signal.", value=name[:60]))
    return [instruction]


def judge_healthcheck(reading: Reading, instruction: df.Instruction) -> Kept:
    """Keep the check within the limits of the compose file's healthcheck."""
    flags = []
    at = reading.at(instruction)
    for name, given in instruction.flags:
        if name not in _CHECK:
            at.error("dockerfile-flag", msg("HEALTHCHECK --%(flag)s is not allowed.", flag=name))
            continue
        length = seconds(given)
        if name == "retries" and not re.fullmatch(r"[0-9]{1,4}", given):
            at.error("attribute-value", msg("%(value)s is not a number.", value=given[:60]))
            continue
        if name != "retries" and length is None:
            at.error("attribute-value", msg("%(value)s is not a duration.", value=given[:60]))
            continue
        if name == "interval" and length is not None and length < MIN_INTERVAL_S:
            given = "1s"  # noqa: PLW2901 - the limited value takes its place
        elif name == "timeout" and length is not None and length > MAX_TIMEOUT_S:
            given = "60s"  # noqa: PLW2901
        if name != "start-interval":  # engines before 25 do not know it
            flags.append((name, given))
    words = split(instruction.rest, reading.escape) or fields(instruction.rest)
    if not words or words[0].upper() not in {"CMD", "NONE"}:
        at.error("dockerfile-syntax", msg("HEALTHCHECK is written as HEALTHCHECK CMD command, or HEALTHCHECK NONE."))
    return [df.Instruction(instruction.keyword, flags, instruction.rest, instruction.line)]
