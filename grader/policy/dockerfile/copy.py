"""Judging COPY and ADD: from the context, from stages, from images that a FROM could name; never from a network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.images import judge_copy_source
from grader.policy.dockerfile.words import expand, json_words

if TYPE_CHECKING:
    from grader.policy.dockerfile.reading import Kept, Reading

_REMOTE = re.compile(r"[a-z0-9+.-]+://|git@|github\.com/|[a-z0-9.-]+@[a-z0-9.-]+:", re.IGNORECASE)
_COPY_FLAGS = frozenset({"from", "chown", "chmod", "link", "parents", "exclude"})


def judge_copy(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge COPY and ADD: only from the context, from stages, from images that a FROM could name."""
    at = reading.at(instruction)
    if instruction.heredocs:
        at.error(
            "dockerfile-heredoc",
            msg("A here-document in %(keyword)s cannot be built by older engines.", keyword=instruction.keyword),
            msg("Put its text into a file of the submission and copy that."),
        )
        return None
    flags = []
    for name, given in instruction.flags:
        if name not in _COPY_FLAGS or (name == "from" and instruction.keyword == "ADD"):
            at.error(
                "dockerfile-flag", msg("%(keyword)s --%(flag)s is not allowed.", keyword=instruction.keyword, flag=name)
            )
        elif name == "from":
            source = judge_copy_source(at, reading.stages, given)
            flags.append((name, source or given))
        elif name != "link":  # an optimisation that engine 20.10 does not know
            flags.append((name, given))
    if instruction.keyword == "ADD":
        _add_sources(reading, instruction)
    return df.Instruction(instruction.keyword, flags, instruction.rest, instruction.line)


def _add_sources(reading: Reading, instruction: df.Instruction) -> None:
    at = reading.at(instruction)
    words = json_words(instruction.rest)
    if words is None and any(c in instruction.rest for c in "\"'\\`"):
        at.error("add-unreadable", msg("ADD with quotes cannot be judged."), msg("Use COPY."))
        return
    for word in (words or instruction.rest.split())[:-1]:
        source, known = expand(word, reading.variables)
        if not known:
            at.error("add-unreadable", msg("ADD with a variable cannot be judged."), msg("Use COPY."))
        elif _REMOTE.match(source) or source.endswith(".git"):
            at.error(
                "add-remote",
                msg(
                    "ADD must not fetch %(source)s: the download would run in the network of the host.",
                    source=source[:100],
                ),
                msg("Put the file into the submission, or fetch it with RUN."),
            )
