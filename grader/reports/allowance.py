"""How much a page shows of what a submission made long: bytes of HTML, shared out, so that no log hides the rest."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# bytes in each language; together they keep a report with both languages below two megabytes
EVIDENCE: Final = 240_000
TIMELINES: Final = 280_000
FINDINGS: Final = 120_000
TEXT: Final = 2_000
MAX_PROOFS: Final = 12
MAX_FINDINGS: Final = 100
MAX_ENTRIES: Final = 40  # images, versions, errors


def cost(text: str) -> int:
    """Return how many bytes `text` takes in a page."""
    return len(html.escape(text).encode("utf-8", "replace"))


def cut(text: str, room: int = TEXT) -> str:
    """Return `text` as far as it fits into `room` bytes."""
    if cost(text) <= room:
        return text
    end = min(len(text), room)
    while cost(text[:end]) > room:
        end = end * 3 // 4
    return text[:end] + " […]"


def last_lines(lines: Sequence[str], room: int) -> tuple[str, ...]:
    """Return the last of `lines` that fit into `room` bytes, with a count of what was left out."""
    kept: list[str] = []
    for line in reversed(lines):
        room -= cost(line) + 1
        if room < 0:
            break
        kept.append(line)
    left_out = len(lines) - len(kept)
    return (f"[… {left_out}]", *reversed(kept)) if left_out else tuple(lines)


def shares(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Return the part of `total` that each weight gets."""
    whole = sum(weights) or 1
    return tuple(total * weight // whole for weight in weights)
