"""What became of one check, and the evidence for it."""

from __future__ import annotations

from typing import Literal

import msgspec

from grader.model.history import Event
from grader.model.text import Text

Verdict = Literal["passed", "failed", "blocked", "error"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a reader can verify: log lines, a table of attributes. Lines are untrusted text."""

    title: Text
    lines: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of one check.

    reason: a stable code of `grader.model.reasons` ("" when passed). blocked_by: the needed check that did not pass.
    began, ended: seconds since the stack's start. events: the History of that stretch, for the timeline.
    """

    check: str
    verdict: Verdict
    reason: str = ""
    expected: Text | None = None
    observed: Text | None = None
    evidence: tuple[Evidence, ...] = ()
    blocked_by: str = ""
    began: float = 0.0
    ended: float = 0.0
    events: tuple[Event, ...] = ()
