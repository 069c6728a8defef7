"""Intake: from what was handed in to a clean copy that every later stage may trust."""

from __future__ import annotations

from grader.intake.folder import LIMITS, CopyLimits, take
from grader.intake.names import COMPOSE_FILES

__all__ = ["COMPOSE_FILES", "LIMITS", "CopyLimits", "take"]
