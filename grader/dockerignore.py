"""What a .dockerignore keeps out of a build's context, by the rules of moby's patternmatcher, as BuildKit applies them.

Written by us: docker-py's rules are others (it is blind to letters' case, and gives up an ignored folder whatever an
exception says of a file in it), and regular expressions would let a pattern cost what it likes. Here it costs what it
is long: a number has a bit for each place of the path that the pattern may have come to.
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = ".dockerignore"
MAX_BYTES = 64 * 1024
_SPECIAL = re.compile(r"[*?\[\]\\]")
_WINDOWS = r"(?<!\\)\\(?=[A-Za-z0-9]|\Z)"  # no name of a file needs it, and where the student works it parts folders
_FORM = msg("This pattern cannot be read: %(pattern)s.")


class IgnoreError(Exception):
    """The file cannot be taken: the line (from 1), and what is wrong."""

    def __init__(self, line: int, message: Text) -> None:
        super().__init__(message.msgid)
        self.line = line
        self.message = message


class _Any(Enum):
    """A step of a pattern that takes any number of characters."""

    WITHIN = auto()  # but no /
    FOLDERS = auto()  # whole folders
    REST = auto()  # whatever


@dataclass(slots=True, frozen=True)
class _Class:
    """One character of these ranges, or outside of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def holds(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) != self.negated


_NO_SLASH = _Class((("/", "/"),), negated=True)
_Step = _Any | _Class | str


@dataclass(slots=True)
class _Place:
    """A path that patterns are matched with; `masks` has a bit for each character that a step takes."""

    text: str
    masks: dict[_Class | str, int] = field(default_factory=dict)

    def mask(self, step: _Class | str) -> int:
        found = self.masks.get(step)
        if found is None:
            taken = [c == step for c in self.text] if isinstance(step, str) else map(step.holds, self.text)
            found = self.masks[step] = sum(1 << n for n, takes in enumerate(taken) if takes)
        return found


@dataclass(slots=True, frozen=True)
class Pattern:
    """One line: what it matches, and whether it is an exception (!). windows: a backslash was read as a /."""

    text: str
    line: int
    exception: bool
    steps: tuple[_Step, ...]
    windows: bool = False

    def matches(self, place: _Place) -> bool:
        """Say whether the whole path matches."""
        if not _SPECIAL.search(self.text):
            return self.text == place.text
        reached = 1
        for step in self.steps:
            lowest = reached & -reached
            if isinstance(step, (str, _Class)):
                reached = (reached & place.mask(step)) << 1
            elif step is _Any.WITHIN:
                within = place.mask(_NO_SLASH)
                reached |= ((reached & within) + within) ^ within  # a carry runs through to the next /
            elif step is _Any.FOLDERS:
                reached |= (place.mask("/") & -lowest) << 1
            else:
                reached = -lowest & ((2 << len(place.text)) - 1)
            if not reached:
                return False
        return bool(reached >> len(place.text) & 1)


@dataclass(slots=True, frozen=True)
class Ignore:
    """The patterns of a file in their order."""

    patterns: tuple[Pattern, ...] = ()

    def kept(self, root: Path) -> Iterator[str]:
        """Give the paths below a folder that go into the context, each folder before what lies in it.

        A folder that is ignored goes in all the same where something in it does. Links are not followed.
        """
        yield from self._below(str(root), "", (False,) * len(self.patterns))

    def hides(self, path: str) -> Pattern | None:
        """Return the pattern that keeps a path out of the context; None if it goes in."""
        ignored, matched = False, (False,) * len(self.patterns)
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            ignored, matched = self._judged("/".join(parts[:length]), matched)
        return [each for each, found in zip(self.patterns, matched, strict=True) if found][-1] if ignored else None

    def _below(self, folder: str, prefix: str, parent: tuple[bool, ...]) -> Iterator[str]:
        exceptions = any(pattern.exception for pattern in self.patterns)
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            path = prefix + entry.name
            ignored, matched = self._judged(path, parent)
            if not entry.is_dir(follow_symlinks=False):
                if not ignored:
                    yield path
                continue
            if ignored and not exceptions:
                continue
            inner = self._below(entry.path, f"{path}/", matched)
            if ignored:
                first = next(inner, None)
                if first is None:
                    continue
                yield from (path, first)
            else:
                yield path
            yield from inner

    def _judged(self, path: str, parent: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        """Return whether a path is ignored, and which patterns are known to match it, and so all that lies below.

        parent: those that are known to match its folder. A pattern that would change nothing is not asked.
        """
        place = _Place(path)
        ignored = False
        matched: list[bool] = []
        for pattern, above in zip(self.patterns, parent, strict=True):
            found = above or (pattern.exception == ignored and pattern.matches(place))
            matched.append(found)
            if found:
                ignored = not pattern.exception
        return ignored, tuple(matched)


def find(dockerfile: Path, context: Path) -> Path | None:
    """Return the file that counts for a build: the Dockerfile's own, else the context's; None if there is neither."""
    for path in (dockerfile.with_name(f"{dockerfile.name}{NAME}"), context / NAME):
        if path.is_file():
            return path
    return None


def read(data: bytes) -> Ignore:
    """Return what a .dockerignore says. Raises IgnoreError."""
    if len(data) > MAX_BYTES:
        raise IgnoreError(0, msg("The file is larger than %(limit)d KiB.", limit=MAX_BYTES >> 10))
    # names have been brought into this form as well
    text = unicodedata.normalize("NFC", data.decode("utf-8-sig", "surrogateescape"))
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        written = line.strip()
        if line.startswith("#") or not written:
            continue
        exception = written.startswith("!")
        pattern = _clean(written[1:].strip() if exception else written)
        if exception and pattern in {"", "/"}:
            raise IgnoreError(number, msg("An exception (!) names nothing."))
        found.append(_pattern(pattern, number, exception=exception))
    return Ignore(tuple(found))


def _clean(text: str) -> str:
    """Return a path in its shortest form, without the / at its beginning that says nothing here."""
    if not text:
        return text
    text = posixpath.normpath(text)
    return text.lstrip("/") or "/"


def _pattern(text: str, line: int, *, exception: bool) -> Pattern:
    windows = re.search(_WINDOWS, text) is not None
    if windows:  # no file's name needs it, and where the student works it is a stroke between folders
        text = _clean(re.sub(_WINDOWS, "/", text))
    steps: list[_Step] = []
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if text.startswith("**", at - 1):
            at += 1
            plain_end = at == 2 and not _SPECIAL.search(text, at) and not text.startswith("/", at)
            at += text.startswith("/", at)
            steps.append(_Any.REST if at >= len(text) or plain_end else _Any.FOLDERS)
        elif character == "*":
            steps.append(_Any.WITHIN)
        elif character == "?":
            steps.append(_NO_SLASH)
        elif character == "[":
            step, at = _class(text, at, line)
            steps.append(step)
        elif character == "\\":
            if at >= len(text):
                raise IgnoreError(line, msg(_FORM.msgid, pattern=text[:80]))
            steps.append(text[at])
            at += 1
        else:
            steps.append(character)
    return Pattern(text, line, exception, tuple(steps), windows)


def _class(text: str, at: int, line: int) -> tuple[_Class, int]:
    """Return the characters between brackets, and where the pattern goes on."""
    bad = IgnoreError(line, msg(_FORM.msgid, pattern=text[:80]))
    negated = text.startswith("^", at)
    at += negated
    ranges: list[tuple[str, str]] = []
    while not text.startswith("]", at) or not ranges:
        low, at = _member(text, at, bad)
        high = low
        if text.startswith("-", at):
            high, at = _member(text, at + 1, bad)
        if high < low:
            raise bad
        ranges.append((low, high))
    return _Class(tuple(ranges), negated), at + 1


def _member(text: str, at: int, bad: IgnoreError) -> tuple[str, int]:
    escaped = text.startswith("\\", at)
    at += escaped
    character = text[at : at + 1]
    # within brackets the engine's reading of * and ? is nobody's intention, nor is that of [:name:]
    if not character or (not escaped and (character in "-]*?" or text.startswith("[:", at))):
        raise bad
    return character, at + 1
