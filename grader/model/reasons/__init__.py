"""Reason codes: why a check fails, in stable words that hints, statistics and the kill matrix speak of.

Here are those that belong to no system; the others lie in their rooms and in the assignments' folders, and
`grader.brokers.reasons` has them all.
"""

from __future__ import annotations

from grader.model.reasons.grading import GRADING
from grader.model.reasons.reason import Reason, Said
from grader.model.reasons.services import SERVICES
from grader.model.reasons.written import FaultyReasonsError, told_by

__all__ = ["GENERAL", "FaultyReasonsError", "Reason", "Said", "told_by"]

GENERAL: dict[str, Reason] = {**GRADING, **SERVICES}
