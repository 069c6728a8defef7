"""Reading single values: booleans, numbers, durations, sizes and texts in all the spellings that Compose takes."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from grader.model.text import Text, msg
from grader.policy.document.nodes import Mapping, Node, Scalar, Sequence, is_null, text_of

if TYPE_CHECKING:
    from grader.policy.scope import Scope

MAX_TEXT = 32 * 1024
MAX_ITEMS = 1000
_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|µs|ms|ns|s|m|h|d|w)")
_UNITS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0,
}  # fmt: skip
_BYTES = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>[kmgtp]?)i?b?\Z", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


class Shape(msgspec.Struct, frozen=True):
    """A form that a text must have: a full-match pattern and what to say otherwise (with %(value)s)."""

    pattern: str
    message: Text

    def matches(self, text: str) -> bool:
        """Say whether the whole text has this form."""
        return re.fullmatch(self.pattern, text) is not None

    def complaint(self, text: str) -> Text:
        """Say what is wrong with `text`."""
        return Text(self.message.msgid, {"value": text[:80]})


def _type_error(scope: Scope, message: Text) -> None:
    scope.error("attribute-type", message)


def as_text(scope: Scope, node: Node) -> str | None:
    """Return a scalar as text (numbers and booleans as Compose writes them); None after a complaint."""
    if not isinstance(node, Scalar):
        _type_error(scope, msg("%(path)s must be a text, not a list or mapping.", path=scope.path))
        return None
    text = text_of(node.value)
    if len(text) > MAX_TEXT or "\x00" in text:
        scope.error("attribute-value", msg("%(path)s is too long or holds a NUL character.", path=scope.path))
        return None
    return text


def as_bool(scope: Scope, node: Node) -> bool | None:
    """Return a boolean in any of Compose's spellings (yes, on, "true"); None after a complaint."""
    raw = node.value if isinstance(node, Scalar) else None
    if isinstance(raw, bool):
        return raw
    text = text_of(raw).lower() if isinstance(node, Scalar) else None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    _type_error(scope, msg("%(path)s must be true or false.", path=scope.path))
    return None


def as_number(scope: Scope, node: Node) -> float | None:
    """Return a finite number, also one written as text; None after a complaint."""
    raw = node.value if isinstance(node, Scalar) else None
    number = math.nan
    written = isinstance(raw, str) and _NUMBER.fullmatch(raw[:60])
    if (written or isinstance(raw, (int, float))) and not isinstance(raw, bool) and len(str(raw)) < 40:
        number = float(raw)  # type: ignore[arg-type]  # a number or the text of one
    if not math.isfinite(number):
        _type_error(scope, msg("%(path)s must be a number.", path=scope.path))
        return None
    return number


def as_int(scope: Scope, node: Node) -> int | None:
    """Return a whole number; None after a complaint."""
    number = as_number(scope, node)
    if number is None:
        return None
    written = isinstance(node, Scalar) and isinstance(node.value, str) and not node.value.lstrip("+-").isdigit()
    if written or number != int(number):
        _type_error(scope, msg("%(path)s must be a whole number.", path=scope.path))
        return None
    return int(number)


def seconds(text: str) -> float | None:
    """Return the length of a duration such as 1m30s in seconds; None if it is none."""
    if text == "0":
        return 0.0
    found = _DURATION.findall(text[:100])
    if not found or "".join(n + u for n, u in found) != text:
        return None
    return float(sum(float(n) * _UNITS[u] for n, u in found))


def as_duration(scope: Scope, node: Node) -> float | None:
    """Return a duration in seconds; None after a complaint."""
    text = as_text(scope, node)
    if text is None:
        return None
    length = seconds(text)
    if length is None:
        scope.error(
            "attribute-value", msg("%(value)s is not a duration.", value=text[:80]), msg("Write it like 10s or 1m30s.")
        )
    return length


def write_duration(length: float) -> str:
    """Write seconds as Compose reads them."""
    return f"{int(length)}s" if length == int(length) else f"{round(length * 1000)}ms"


def as_bytes(scope: Scope, node: Node) -> int | None:
    """Return a size in bytes (512m, 1gb, 1048576); None after a complaint."""
    text = as_text(scope, node)
    if text is None:
        return None
    match = _BYTES.match(text.strip()[:60])
    if not match:
        scope.error(
            "attribute-value", msg("%(value)s is not a size.", value=text[:80]), msg("Write it like 256m or 1g.")
        )
        return None
    return int(float(match["number"]) * 1024 ** _POWERS[match["unit"].lower()])


def as_texts(scope: Scope, node: Node) -> list[str] | None:
    """Return a text or a list of texts as a list; None after a complaint."""
    if isinstance(node, Mapping):
        _type_error(scope, msg("%(path)s must be a text or a list of texts.", path=scope.path))
        return None
    if isinstance(node, Scalar):
        single = as_text(scope, node)
        return None if single is None else [single]
    if len(node.items) > MAX_ITEMS:
        scope.error("too-many", msg("%(path)s has more than %(limit)d entries.", path=scope.path, limit=MAX_ITEMS))
        return None
    found = [as_text(scope.at(i, item.line), item) for i, item in enumerate(node.items)]
    return None if None in found else [f for f in found if f is not None]


def as_pairs(scope: Scope, node: Node, separator: str = "=") -> dict[str, tuple[str | None, int]] | None:
    """Return a mapping, or a list of NAME=value, as name -> (value or None for a bare name, line)."""
    pairs: dict[str, tuple[str | None, int]] = {}
    if isinstance(node, Mapping):
        for name, entry in node.entries.items():
            inner = scope.at(name, entry.line)
            text = as_text(inner, entry.node)
            empty = is_null(entry.node)
            if text is not None:
                pairs[name] = (None if empty else text, entry.line)
        return pairs
    if isinstance(node, Sequence):
        for i, item in enumerate(node.items):
            inner = scope.at(i, item.line)
            text = as_text(inner, item)
            if text is not None:
                name, found, content = text.partition(separator)
                pairs[name] = (content if found else None, item.line)
        return pairs
    _type_error(scope, msg("%(path)s must be a mapping or a list.", path=scope.path))
    return None
