"""Compares a kit with what students may not have: by name, by content, by lines in a row, and by words.

A starter and a reference may have the same scaffolding (a Dockerfile, a lock file, a schema) at the same place; they
never have the same program, and a hidden check has nothing in common with a kit.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from grader.errors import UsageError
from grader.kit.confidential import PROGRAMS, flat
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from grader.kit.confidential import Confidential

FORBIDDEN_NAMES = frozenset({"hidden", "reference_solutions", "submissions", "mutants.yaml"})
LINES_IN_A_ROW = 4
_LONG_LINE, _LETTERS = 20, 12
_LONG_FILE = 40  # a .dockerignore of one line tells nothing
# zip, gzip, bzip2, xz, zstd, 7z: what is packed cannot be compared
_PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf")
_TAR = slice(257, 262)
_IMPORT = re.compile(r"(from\s.+\s)?import\s|const .* = require\(|@|#include|package\s")
_PO_JOINT = re.compile(r'"\s*\n\s*"')


class LeakError(UsageError):
    """A kit would give away what students may not have; `leaks` say what, and in which file and line."""

    def __init__(self, leaks: tuple[Text, ...]) -> None:
        super().__init__(
            msg("No kit is written. Places in it that give away what students may not have: %(n)s", n=len(leaks))
        )
        self.leaks = leaks


class _Line(NamedTuple):
    number: int
    text: str


def leaks(kit: Mapping[str, bytes], secret: Confidential) -> tuple[Text, ...]:
    """Return what the files of a kit (path → content) give away, file by file; nothing is good."""
    copies = {flat(_text(content)): place for place, content in secret.files.items()}
    runs = _runs(secret)
    found: list[Text] = []
    for name, data in sorted(kit.items()):
        text = _text(data)
        found += _named(name, data)
        if not _scaffolding(name, data, secret):
            found += _same(name, flat(text), copies)
        found += [*_in_a_row(name, text, runs), *_words(name, text, secret)]
    return tuple(found)


def _named(name: str, data: bytes) -> Iterator[Text]:
    if bad := FORBIDDEN_NAMES & set(PurePosixPath(name).parts):
        yield msg("%(file)s: nothing in a kit is called %(name)s", file=name, name=sorted(bad)[0])
    if data.startswith(_PACKED) or data[_TAR] == b"ustar" or name.endswith(".pyc"):
        yield msg(
            "%(file)s is packed or compiled, so that it cannot be compared; give what is in it instead", file=name
        )


def _same(name: str, flattened: str, copies: Mapping[str, str]) -> Iterator[Text]:
    """Yield the file that this one is a copy of, if there is one; white space does not count."""
    if len(flattened) >= _LONG_FILE and (place := copies.get(flattened)):
        yield msg("%(file)s is the same as %(secret)s", file=name, secret=place)


def _scaffolding(name: str, data: bytes, secret: Confidential) -> bool:
    path = PurePosixPath(name)
    if path.suffix in PROGRAMS:
        return False
    parts = path.parts[2:] if "starter" in path.parts[:2] else path.parts[1:]
    return data in secret.shared.get("/".join(parts), ())


def _runs(secret: Confidential) -> dict[tuple[str, ...], str]:
    """Return every run of telling lines in programs and checks, with the file that has it."""
    found: dict[tuple[str, ...], str] = {}
    for place, content in secret.files.items():
        if PurePosixPath(place).suffix in PROGRAMS:
            for run in _windows(_lines(_text(content))):
                found.setdefault(tuple(line.text for line in run), place)
    return found


def _in_a_row(name: str, text: str, runs: Mapping[tuple[str, ...], str]) -> Iterator[Text]:
    for run in _windows(_lines(text)):
        if place := runs.get(tuple(line.text for line in run)):
            yield msg(
                "%(file)s, line %(line)s: %(n)s lines in a row stand in %(secret)s too",
                file=name, line=run[0].number, n=LINES_IN_A_ROW, secret=place,
            )  # fmt: skip
            return  # the first says where to look


def _words(name: str, text: str, secret: Confidential) -> Iterator[Text]:
    """Yield the words that only hidden checks say. The handout and the rubric may put a requirement in its words."""
    prose = PurePosixPath(name).name in {"README.md", "assignment.yaml"}
    whole = flat(_PO_JOINT.sub("", text).replace('\\"', '"')) if name.endswith(".po") else flat(text)
    for needle in secret.needles:
        if needle.text not in whole or (prose and not needle.word):
            continue
        if needle.word and not re.search(rf"(?<![\w-]){re.escape(needle.text)}(?![\w-])", whole):
            continue
        yield msg(
            "%(file)s, line %(line)s: %(words)s is said by the hidden %(secret)s alone",
            file=name, line=_line_of(needle.text, text), words=repr(needle.text), secret=needle.source,
        )  # fmt: skip


def _line_of(words: str, text: str) -> int:
    """Return the line that the words stand or begin in; 1 where they cannot be placed (byte code, a broken line)."""
    start = text.find(words)
    if start < 0:
        start = max(text.find(" ".join(words.split()[:3])), 0)
    return text.count("\n", 0, start) + 1


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _lines(text: str) -> list[_Line]:
    """Return the lines that tell something: long enough, made of words, and no import."""
    flattened = (_Line(number, flat(line)) for number, line in enumerate(text.splitlines(), 1))
    return [
        line
        for line in flattened
        if len(line.text) >= _LONG_LINE
        and sum(map(str.isalpha, line.text)) >= _LETTERS
        and not _IMPORT.match(line.text)
    ]


def _windows(lines: list[_Line]) -> Iterator[list[_Line]]:
    return (lines[i : i + LINES_IN_A_ROW] for i in range(len(lines) - LINES_IN_A_ROW + 1))
