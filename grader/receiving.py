"""Receiving a submission: intake, told by policy which folders hold what a container left behind at home."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grader import catalogue, intake, policy

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.workspace import Workspace


def receive(source: Path | str, into: Path) -> Workspace:
    """Return the clean copy of what was handed in, without old data of brokers and databases; see `intake.take`."""
    return intake.take(source, into, find=partial(policy.left_behind, catalogue=catalogue.load()))
