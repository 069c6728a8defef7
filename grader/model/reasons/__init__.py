"""Reason codes: why a check fails, in stable words that hints, statistics and the kill matrix speak of."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from grader.model.reasons.caching import CACHING
from grader.model.reasons.consumer_groups import CONSUMER_GROUPS
from grader.model.reasons.grading import GRADING
from grader.model.reasons.messages import MESSAGES
from grader.model.reasons.reason import Reason, Said
from grader.model.reasons.written import FaultyReasonsError, told_by

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["REASONS", "FaultyReasonsError", "Reason", "Said", "reason_of", "reasons_for"]

REASONS: dict[str, Reason] = {**GRADING, **MESSAGES, **CACHING, **CONSUMER_GROUPS}


@lru_cache(maxsize=64)
def reasons_for(assignment: Path | None) -> dict[str, Reason]:
    """Return all reasons that the checks of an assignment can have, given its folder: its own and those of all."""
    return REASONS | (told_by(assignment, REASONS) if assignment else {})


def reason_of(code: str, assignment: Path | None = None) -> Reason | None:
    """Return what is told of a code, None where nobody tells anything."""
    return reasons_for(assignment).get(code)
