"""What the grader hands to the checks' process: one JSON file in a folder of ours."""

from __future__ import annotations

import msgspec

from grader.model.assignment import Assignment
from grader.model.findings import Finding
from grader.stack.info import StackInfo

SESSION_VARIABLE = "GRADER_SESSION"
CHANNEL_VARIABLE = "GRADER_CHANNEL"


class ServiceState(msgspec.Struct, frozen=True):
    """How a contract service came up.

    reason: "ready" or a reason code. seconds: until ready. logs: last lines. findings: what is known of the cause.
    """

    ready: bool
    reason: str = "ready"
    seconds: float = 0.0
    logs: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """The checks' whole environment. checks: the ids to run, in rubric order; deadline_s: for all of them together."""

    stack: StackInfo
    assignment: Assignment
    checks: tuple[str, ...]
    services: dict[str, ServiceState]
    findings: tuple[Finding, ...] = ()
    seed: int = 0
    deadline_s: float = 1200.0
