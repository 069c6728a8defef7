"""What students may have of an assignment, with the proof that it holds nothing else."""

from __future__ import annotations

from grader.kit.proof import LeakError
from grader.kit.writing import Kit, write

__all__ = ["Kit", "LeakError", "write"]
