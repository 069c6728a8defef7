"""Reason codes: why a check fails, in stable words that hints, statistics and the kill matrix speak of.

Here are those that belong to no system; the others lie in their rooms, and `grader.brokers.reasons` has them all.
"""

from __future__ import annotations

from grader.model.reasons.grading import GRADING
from grader.model.reasons.reason import Reason
from grader.model.reasons.services import SERVICES

__all__ = ["GENERAL", "Reason"]

GENERAL: dict[str, Reason] = {**GRADING, **SERVICES}
