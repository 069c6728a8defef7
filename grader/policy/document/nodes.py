"""The tree that a YAML file is read into: plain values that know their line."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

Plain = str | int | float | bool | None


@dataclass(slots=True, frozen=True)
class Scalar:
    """A single value, typed by YAML 1.2's core rules."""

    value: Plain
    line: int = 0


@dataclass(slots=True, frozen=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...] = ()
    line: int = 0


@dataclass(slots=True, frozen=True)
class Entry:
    """One value of a mapping, with the line of its key."""

    node: Node
    line: int


@dataclass(slots=True, frozen=True)
class Mapping:
    """A mapping with string keys, in the order of the file."""

    entries: dict[str, Entry] = field(default_factory=dict)
    line: int = 0

    def get(self, key: str) -> Node | None:
        """Return the value of `key`, or None."""
        entry = self.entries.get(key)
        return entry.node if entry else None


Node = Scalar | Sequence | Mapping
NULL = Scalar(None)


def is_null(node: Node | None) -> bool:
    """Say whether nothing is said: no node, or an empty value."""
    return node is None or (isinstance(node, Scalar) and node.value is None)


def plain(node: Node) -> object:
    """Return the node as ordinary Python data."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(i) for i in node.items]
    return {k: plain(e.node) for k, e in node.entries.items()}


def text_of(value: Plain) -> str:
    """Write a scalar as Compose does where it wants text (`1.10` becomes `1.1`, `true` stays `true`)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value:+}".capitalize()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)
