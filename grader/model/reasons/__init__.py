"""Reason codes: why a check fails, in stable words that hints, statistics and the kill matrix speak of."""

from __future__ import annotations

from grader.model.reasons.caching import CACHING
from grader.model.reasons.consumer_groups import CONSUMER_GROUPS
from grader.model.reasons.grading import GRADING
from grader.model.reasons.messages import MESSAGES
from grader.model.reasons.reason import Reason

__all__ = ["REASONS", "Reason"]

REASONS: dict[str, Reason] = {**GRADING, **MESSAGES, **CACHING, **CONSUMER_GROUPS}
