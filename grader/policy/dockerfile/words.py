"""Words of a Dockerfile: variables as the builder replaces them, JSON forms, assignments."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(
    r"\\\$|\$(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<op>:?[-+])?(?P<word>[^${}]*)\}|\$"
)
_PAIR = re.compile(r"(?P<name>[^\s=]+)=(?P<value>(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\])*)(?:\s+|\Z)")


def expand(text: str, variables: Mapping[str, str]) -> tuple[str, bool]:
    """Return `text` with its variables replaced, and whether all of them were known to us."""
    known = True

    def one(match: re.Match[str]) -> str:
        nonlocal known
        name = match["bare"] or match["name"]
        if match[0] == "\\$":
            return "$"
        if not name:
            known = False
            return ""
        value, op, word = variables.get(name), match["op"] or "", match["word"] or ""
        if not op and word:
            known = False
        present = bool(value) if op.startswith(":") else value is not None
        if op.endswith("+"):
            return word if present else ""
        if op.endswith("-") and not present:
            return word
        if value is None:
            known = False
        return value or ""

    return _VARIABLE.sub(one, text), known


def json_words(text: str) -> list[str] | None:
    """Return the words of a JSON form, or None if the text is none."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(f, str) for f in found) else None


def pairs(text: str) -> list[tuple[str, str]]:
    """Return the assignments of ENV, ARG or LABEL, quotes removed; the old form `NAME value` counts as one."""
    if "=" not in text.split(None, 1)[0] if text else True:
        name, _, value = text.partition(" ")
        return [(name, value.strip())]
    found = []
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if not match:
            break
        found.append((match["name"], unquote(match["value"])))
        at = match.end()
    return found


def unquote(text: str) -> str:
    """Remove the quotes of a word."""
    return re.sub(r"\"((?:[^\"\\]|\\.)*)\"|'([^']*)'", lambda m: m[1] if m[1] is not None else m[2], text)


def exec_form(*words: str) -> str:
    """Write a JSON form that no frontend can take for anything else (no spaces between words, no `<<`)."""
    return json.dumps(words, separators=(",", ":")).replace("<", "\\u003c")
