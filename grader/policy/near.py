"""The nearest known name, for "did you mean"."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was probably meant to be, or None."""
    table = {k.lower(): k for k in known}
    lowered = name.lower().replace("-", "_")
    if lowered in table:
        return table[lowered]
    close = difflib.get_close_matches(name.lower()[:80], table, n=1, cutoff=0.7)
    return table[close[0]] if close else None
