"""What an oracle finds wrong in a History."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grader.model.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 12


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A breach of the contract: a reason code, the subjects concerned, what was expected and what was seen."""

    code: str
    subjects: tuple[str, ...]
    expected: Text
    observed: Text


def listed(subjects: Iterable[str]) -> str:
    """Return subjects as one line for a reader, capped."""
    names = list(subjects)
    return ", ".join(names[:SHOWN]) + (f" … (+{len(names) - SHOWN})" if len(names) > SHOWN else "")
