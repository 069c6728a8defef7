"""How much a page shows of what a submission made long: bytes of HTML, shared out, so that no log hides the rest."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from grader.presentation import limits

if TYPE_CHECKING:
    from collections.abc import Sequence


def cost(text: str) -> int:
    """Return how many bytes `text` takes in a page."""
    return len(html.escape(text).encode("utf-8", "replace"))


def cut(text: str, budget: int = limits.TEXT) -> str:
    """Return `text` as far as it fits into `budget` bytes."""
    if cost(text) <= budget:
        return text
    end = min(len(text), budget)
    while cost(text[:end]) > budget:
        end = end * 3 // 4
    return text[:end] + " […]"


def last_lines(lines: Sequence[str], budget: int) -> tuple[str, ...]:
    """Return the last of `lines` that fit into `budget` bytes, with a count of what was left out."""
    kept: list[str] = []
    for line in reversed(lines):
        budget -= cost(line) + 1
        if budget < 0:
            break
        kept.append(line)
    left_out = len(lines) - len(kept)
    return (f"[… {left_out}]", *reversed(kept)) if left_out else tuple(lines)


def shares(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Return the part of `total` that each weight gets."""
    whole = sum(weights) or 1
    return tuple(total * weight // whole for weight in weights)
