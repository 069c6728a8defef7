"""What intake, policy and start-up say about a submission: a stable code, a place, a message and the way to mend it."""

from __future__ import annotations

from typing import Literal

import msgspec

from grader.model.remedies import REMEDIES
from grader.model.text import Text

Severity = Literal["error", "warning", "notice"]


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One remark on a submission.

    severity: "error" refuses or breaks the submission, "warning" changes what runs or is known to break a check,
    "notice" informs. `file` is relative to the submission, `line` counts from 1 (0: unknown), `path` is the place in
    the compose model ("services.worker.privileged"). `detail` carries untrusted text (log lines), shown escaped.
    `remedy` says how to mend it; where the place that found it says nothing, what is true of every finding of its code.
    """

    code: str
    severity: Severity
    message: Text
    file: str = ""
    line: int = 0
    path: str = ""
    remedy: Text | None = None
    detail: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.remedy is None and (usual := REMEDIES.get(self.code)):
            msgspec.structs.force_setattr(self, "remedy", usual)
