"""Intake: from what was handed in to a clean copy that every later stage may trust."""

from __future__ import annotations

from grader.intake.git import is_address
from grader.intake.limits import LIMITS, CopyLimits
from grader.intake.names import COMPOSE_FILES
from grader.intake.place import clean_place
from grader.intake.taking import take

__all__ = ["COMPOSE_FILES", "LIMITS", "CopyLimits", "clean_place", "is_address", "take"]
