"""Judging COPY and ADD: from the context, from stages, from images that a FROM could name; never from a network."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.images import judge_copy_source
from grader.policy.dockerfile.words import exec_form, fields, half_json, join, json_words, plain, split

if TYPE_CHECKING:
    from grader.policy.dockerfile.reading import Kept, Reading

_REMOTE = re.compile(r"\s*(?:[a-z0-9+.-]+://|git@|github\.com/|[a-z0-9._-]+@[a-z0-9.-]+:)", re.IGNORECASE)
_FLAGS = {"COPY": frozenset({"from", "chown", "chmod", "link"}), "ADD": frozenset({"chown", "chmod", "link"})}
_MODE = re.compile(r"[0-7]{3,4}\Z")
_EXECUTABLE = frozenset({"+x", "a+x", "ugo+x", "u+x"})  # what files are to be; the builder knows digits only
_OWNER = re.compile(r"[\w.-]+(:[\w.-]+)?\Z")
TEXTS = ".grader"  # the folder of the context in which texts of here-documents lie


def judge_copy(reading: Reading, instruction: df.Instruction) -> Kept:
    """Judge COPY and ADD: only from the context, from stages, from images that a FROM could name."""
    flags = [f for name, given in instruction.flags for f in _flag(reading, instruction, name, given)]
    words = _words(reading, instruction)
    if words is None:
        return []
    if len(words) < 2:
        reading.at(instruction).error(
            "dockerfile-syntax",
            msg("%(keyword)s names what is copied and where it goes.", keyword=instruction.keyword),
        )
        return []
    if not any(name == "from" for name, _ in flags) and any(map(_climbs, words[:-1])):
        reading.at(instruction).error(
            "path-outside",
            msg("%(keyword)s cannot reach out of the folder that is built.", keyword=instruction.keyword),
            msg("Put the file below context:, or make context: the folder above."),
        )
    if instruction.heredocs:
        words = _texts(reading, instruction, words)
    if any(name == "chmod" for name, _ in flags) and any("$" in word for word in words[:-1]):
        reading.at(instruction).error(
            "dockerfile-flag",
            msg("With --chmod the names of what is copied must be certain; a variable here is not."),
            msg("Write the name itself."),
        )
    if instruction.keyword == "ADD":
        words = [*(_add_source(reading, instruction, word) for word in words[:-1]), words[-1]]
    words = [*words[:-1], _target(reading, words[:-1], words[-1])]
    rest = join(words) if json_words(instruction.rest) is None or all(plain(w) for w in words) else exec_form(*words)
    return [df.Instruction(instruction.keyword, flags, rest, instruction.line)]


def _target(reading: Reading, sources: list[str], target: str) -> str:
    """Return the target, with a / behind it where several files go into a folder, as in `COPY *.py .`.

    BuildKit sees that it is one, the classic builder wants to read it. A pattern may be of one file, whose name the
    target then is, unless it is `.`, `..` or the stage's WORKDIR.
    """
    folder = reading.state.folder
    goes_to = posixpath.normpath(posixpath.join(folder, target))
    is_folder = goes_to == folder or posixpath.basename(target) in {".", ".."}
    is_pattern = any(c in source for source in sources for c in "*?[")
    several = len(sources) > 1 or (is_pattern and is_folder)
    return f"{target}/" if several and not target.endswith("/") else target


def _climbs(source: str) -> bool:
    return posixpath.normpath(source.lstrip("/") or ".").split("/")[0] == ".."


def _flag(reading: Reading, instruction: df.Instruction, name: str, given: str) -> list[tuple[str, str]]:
    """Return the option as it is kept: nothing for one that is refused or left out."""
    at = reading.at(instruction)
    if name not in _FLAGS[instruction.keyword]:
        remedy = {
            "exclude": msg("Name what is not copied in .dockerignore."),
            "parents": msg("Write one COPY for each folder."),
            "checksum": msg("Put the file into the submission, or fetch it with RUN."),
            "keep-git-dir": msg("Put the file into the submission, or fetch it with RUN."),
        }.get(name)
        at.error(
            "dockerfile-flag",
            msg("%(keyword)s --%(flag)s is not allowed.", keyword=instruction.keyword, flag=name),
            remedy,
        )
        return []
    if name == "link":  # an optimisation that older engines do not know
        return []
    if name == "from":
        return [(name, judge_copy_source(at, reading.stages, given) or given)]
    value, known = reading.word(given)
    if name == "chmod" and value in _EXECUTABLE:
        value = "755"
    if name == "chmod" and not (known and _MODE.match(value)) and not reading.in_trigger:
        at.error(
            "dockerfile-flag",
            msg("%(mode)s is not a mode.", mode=given[:40] or '""'),
            msg("Write it in digits, such as --chmod=755."),
        )
        return []
    return [(name, value if known and (name == "chmod" or _OWNER.match(value)) else given)]


def _words(reading: Reading, instruction: df.Instruction) -> list[str] | None:
    """Return the words: those that are certain as the builder reads them, others as they stand; None if unreadable."""
    at = reading.at(instruction)
    written = json_words(instruction.rest)
    if written is None:
        if half_json(instruction.rest) or split(instruction.rest, reading.escape) != fields(instruction.rest):
            at.error(
                f"{instruction.keyword.lower()}-unreadable",
                msg("%(keyword)s with quotes cannot be judged.", keyword=instruction.keyword),
                msg("Write names with blanks as %(form)s.", form='["a b", "/target/"]'),
            )
            return None
        written = fields(instruction.rest)
    found = []
    for word in written:
        value, known = reading.word(word)
        means_itself = known and value and not any(c in value for c in f"$'\"{reading.escape}")
        found.append(value if means_itself else word)
    return found


def _texts(reading: Reading, instruction: df.Instruction, words: list[str]) -> list[str]:
    """Put the texts of here-documents into the context and return the words that name them there."""
    waiting = list(instruction.heredocs)
    out = []
    for number, word in enumerate(words):
        if "<<" not in word or not waiting:
            out.append(word)
            continue
        heredoc = waiting.pop(0)
        path = f"{TEXTS}/{instruction.line}-{number}/{heredoc.name}"
        text = heredoc.body if heredoc.literal else _replaced(reading, instruction, heredoc)
        reading.files[path] = text
        out.append(path)
    return out


def _replaced(reading: Reading, instruction: df.Instruction, heredoc: df.Heredoc) -> str:
    """Return a text whose variables the builder replaces; what we cannot do exactly is refused."""
    body = heredoc.body
    if "$" not in body and reading.escape not in body and "\\" not in body:
        return body
    quoted = re.sub(r"(['\"])", r"\\\1", body) if reading.escape == "\\" and "\\" not in body else None
    text, known = reading.word(quoted) if quoted is not None else ("", False)
    if not known and not reading.in_trigger:
        reading.at(instruction).error(
            "dockerfile-heredoc",
            msg("The variables in the text %(name)s cannot be replaced here.", name=heredoc.name),
            msg("Write <<'%(name)s' if its $ and \\ are meant as they stand.", name=heredoc.name),
        )
    return text


def _add_source(reading: Reading, instruction: df.Instruction, word: str) -> str:
    """Return a source of ADD; refuse one of the network, and one that could become that."""
    at = reading.at(instruction)
    if "$" in word or any(c in word for c in "\"'\\`"):
        at.error("add-unreadable", msg("ADD with a variable cannot be judged."), msg("Use COPY."))
    elif _REMOTE.match(word) or word.rstrip("/").endswith(".git"):
        at.error(
            "add-remote",
            msg(
                "ADD must not fetch %(source)s: the download would run in the network of the host.",
                source=word[:100],
            ),
            msg("Put the file into the submission, or fetch it with RUN."),
        )
    return word
