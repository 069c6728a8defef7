"""A clean copy of a submission on disk."""

from __future__ import annotations

import msgspec

from grader.model.findings import Finding


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """Where the clean copy lies (`root`, absolute), what the submission is called, and what intake remarked."""

    root: str
    name: str
    findings: tuple[Finding, ...] = ()
