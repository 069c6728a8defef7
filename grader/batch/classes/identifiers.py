"""Identifiers of students: readable file names, each one once in a class on every file system."""

from __future__ import annotations

import re
import unicodedata

from grader.intake import names
from grader.untrusted import one_line

CHARACTERS = 80
_OCTETS = 200  # letters outside of ASCII need up to four bytes, a file name has 255, and reports add an ending
_ROOM = 8  # for a number that tells one from another
_UNNAMED = "student"
_WINDOWS = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)", re.IGNORECASE)  # devices there, whatever follows


def slug(text: str) -> str:
    """Return a file name that reads like `text`: letters, digits and `._-`, NFC, 1 to 80 characters."""
    plain = "".join(c if _kept(c) else " " for c in unicodedata.normalize("NFC", text[: 4 * CHARACTERS]))
    plain = unicodedata.normalize("NFC", re.sub(r"\s+", "-", plain.strip()))
    return _named(_cut(plain, CHARACTERS, _OCTETS))


def full(name: str) -> str:
    """Return a name as it is shown: one line, NFC (macOS unpacks names decomposed), nothing that a terminal obeys."""
    return unicodedata.normalize("NFC", one_line(name.strip(), limit=200))


class Identifiers:
    """The identifiers given in one class so far."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def give(self, text: str) -> str:
        """Return a new identifier that reads like `text`; the second of the same name ends in -2."""
        wanted = found = slug(text)
        number = self._last.get(wanted, 1)
        while names.key((found,)) in self._taken:
            number += 1
            short = _cut(wanted, CHARACTERS - _ROOM, _OCTETS - _ROOM)
            found = f"{short}-{number}"
        self._last[wanted] = number
        self._taken.add(names.key((found,)))
        return found


def _kept(character: str) -> bool:
    return character in "._-" or unicodedata.category(character)[0] in "LM" or unicodedata.category(character) == "Nd"


def _cut(text: str, characters: int, octets: int) -> str:
    """Shorten to both limits, and leave nothing at the ends that hides a file, looks like an option or is cut off."""
    short = text[:characters].encode()[:octets].decode("utf-8", "ignore")
    while short and unicodedata.category(short[0])[0] not in "LN":  # a mark alone would join what stands before it
        short = short[1:]
    return short.rstrip("._-")


def _named(short: str) -> str:
    if not short:
        return _UNNAMED
    return f"{_UNNAMED}-{short}"[:CHARACTERS].rstrip("._-") if _WINDOWS.match(short) else short
