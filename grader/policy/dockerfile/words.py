"""Words of a Dockerfile: quotes, escapes and variables as the builder reads them, JSON forms, assignments."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_EXPANDED = 16 * 1024  # ENV A=$A$A doubles with every line
_MAX_DEPTH = 40
_SPACES = re.compile(r"[ \t\v\f\r\n]+")
_SAFE = re.compile(r"[\w./:@%+,=*?~-][\w./:@%+,=*?~\[\]-]*\Z")


class _UnreadableError(Exception):
    """The builder gives up on this word, or builders disagree on what it means."""


class _Expansion:
    """One word on its way through the builder: see `expand`."""

    def __init__(self, text: str, variables: Mapping[str, str | None], escape: str) -> None:
        self.text = text
        self.variables = variables
        self.escape = escape
        self.at = 0
        self.length = 0
        self.known = True

    def run(self, stop: str = "", depth: int = 0) -> str:
        """Read up to the end, or up to and over the character `stop`."""
        if depth > _MAX_DEPTH:
            raise _UnreadableError
        out: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == stop:
                return "".join(out)
            if char == "'":
                out.append(self._single())
            elif char == '"':
                out.append(self._double(depth))
            elif char == "$":
                out.append(self._variable(depth))
            elif char == self.escape:
                out.append(self.text[self.at : self.at + 1])
                self.at += 1
            else:
                out.append(char)
            self.length += len(out[-1])
            if self.length > MAX_EXPANDED * (depth + 1):
                raise _UnreadableError
        if stop:
            raise _UnreadableError
        return "".join(out)

    def _single(self) -> str:
        end = self.text.find("'", self.at)
        if end < 0:
            raise _UnreadableError
        found, self.at = self.text[self.at : end], end + 1
        return found

    def _double(self, depth: int) -> str:
        out: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == '"':
                return "".join(out)
            if char == "$":
                out.append(self._variable(depth))
                self.length += len(out[-1])
                if self.length > MAX_EXPANDED * (depth + 1):
                    raise _UnreadableError
                continue
            if char == self.escape and self.text[self.at : self.at + 1] in {'"', "$", self.escape}:
                char = self.text[self.at]
                self.at += 1
            out.append(char)
        raise _UnreadableError

    def _variable(self, depth: int) -> str:
        """Read what follows a dollar sign."""
        if self.text[self.at : self.at + 1] != "{":
            name = self._name()
            if not name:
                if self.text[self.at : self.at + 1] in set("@*#?-$!0123456789"):  # a shell's own: empty here
                    self.known = False
                return "$"
            return self._value(name)
        self.at += 1
        name = self._name()
        operator = self.text[self.at : self.at + 1]
        if not name or not operator:
            raise _UnreadableError
        self.at += 1
        if operator == "}":
            return self._value(name)
        empty_is_unset = operator == ":"
        if empty_is_unset:
            operator = self.text[self.at : self.at + 1]
            self.at += 1
        if operator not in {"-", "+", "?"}:  # patterns, which older builders do not know
            raise _UnreadableError
        word = self.run("}", depth + 1)
        return self._chosen(name, operator, word, empty_is_unset=empty_is_unset)

    def _chosen(self, name: str, operator: str, word: str, *, empty_is_unset: bool) -> str:
        if name in self.variables and self.variables[name] is None:
            self.known = False
        value = self.variables.get(name)
        there = bool(value) if empty_is_unset else value is not None
        if operator == "+":
            return word if there else ""
        if operator == "?" and not there:
            self.known = False
        return (value or "") if there else "" if operator == "?" else word

    def _name(self) -> str:
        start = self.at
        while self.at < len(self.text):
            char = self.text[self.at]
            if not (char == "_" or char.isalpha() or (char.isdecimal() and self.at > start)):
                break
            self.at += 1
        return self.text[start : self.at]

    def _value(self, name: str) -> str:
        value = self.variables.get(name)
        if value is None:
            self.known = False
        return value or ""


def expand(text: str, variables: Mapping[str, str | None], escape: str = "\\") -> tuple[str, bool]:
    """Return a word as the builder reads it (quotes and escapes gone, variables replaced), and whether that is certain.

    A variable with the value None is set to something that we do not know; one that is missing may be set by the base
    image. Both count as empty.
    """
    expansion = _Expansion(text, variables, escape)
    try:
        return expansion.run(), expansion.known
    except _UnreadableError:
        return "", False


def fields(text: str) -> list[str]:
    """Split at blanks as the builder does: at those of ASCII, whatever is quoted."""
    return [word for word in _SPACES.split(text) if word]


def split(text: str, escape: str = "\\") -> list[str] | None:
    """Split into words whose quotes and escapes still stand; None if a quote is not closed."""
    words: list[str] = []
    start, at, quote = -1, 0, ""
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'":
            start = at if start < 0 else start
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in {"'", '"'}:
            quote = char
        elif char.isspace():
            if start >= 0:
                words.append(text[start:at])
            start = -1
            at += 1
            continue
        start = at if start < 0 else start
        at += 1
    if quote:
        return None
    return words if start < 0 else [*words, text[start:]]


def json_words(text: str) -> list[str] | None:
    """Return the words of a JSON form, or None if the text is none."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(f, str) for f in found) else None


def half_json(text: str) -> bool:
    """Say whether a JSON list stands here that something follows, or that is not of texts: builders read it unalike."""
    if not text.startswith("[") or json_words(text) is not None:
        return False
    try:
        json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def pairs(text: str, escape: str = "\\") -> list[tuple[str, str | None]] | None:
    """Return the assignments of ENV or ARG, values as they stand (None where a name has none); None if unreadable.

    The old form of ENV, `NAME some value`, counts as one assignment.
    """
    words = split(text, escape)
    if not words:
        return None
    if "=" not in words[0]:
        name = words[0]
        rest = text[len(name) :].strip()
        return [(name, rest or None)]
    found: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            return None
        found.append((name, value))
    return found


def plain(word: str) -> bool:
    """Say whether a word means itself wherever it stands: no quotes, blanks, variables, escapes."""
    return bool(_SAFE.match(word))


def join(words: list[str]) -> str:
    """Write words so that every builder reads them as they are here."""
    return " ".join(words) if all(plain(w) for w in words) else exec_form(*words)


def exec_form(*words: str) -> str:
    """Write a JSON form that no frontend can take for anything else (no spaces between words, no `<<`)."""
    return json.dumps(words, separators=(",", ":")).replace("<", "\\u003c")
