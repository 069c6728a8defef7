"""A clean copy of a submission on disk."""

from __future__ import annotations

import msgspec

from grader.model.findings import Finding


class LeftBehind(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a submission that holds what a container left behind when it ran at home.

    path: of the folder, relative to the submission. kept: paths in it that are the student's own. finding: what to say.
    """

    path: str
    kept: tuple[str, ...] = ()
    finding: Finding


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """Where the clean copy lies (`root`, absolute), what the submission is called, and what intake remarked."""

    root: str
    name: str
    findings: tuple[Finding, ...] = ()
