"""A result in which everything that a submission can write is meant to do harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.findings import Finding
from grader.model.outcome import Outcome
from grader.model.text import literal, msg
from tests.unit.reports import builders

if TYPE_CHECKING:
    from grader.model.grade import Result

SECRET = "only-the-teacher-knows"
PAYLOADS = (
    "\x1b[31m\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "::error file=x::forged\n::stop-commands::x\n##[error]forged",
    "]]><failure/><!--",
    "a\x00b\ud800c\udfffd\ufffe\uffff",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[link](https://evil.example) ![i](https://evil.example/i.png) @everyone #1 | a | b |",
    '=HYPERLINK("https://evil.example")\t=1+1\r\n=2',
    "\u202egnp.exe\u200b",
    "%0A::error::forged %25",
    "```\n# heading\n```",
)
ALL = " ".join(PAYLOADS)
HUGE = ALL + "A]]>::error::" * 400_000  # 5 MB


def result(payload: str = ALL, *, rejected: bool = False, error: bool = False) -> Result:
    """Build a result with `payload` at every place that a submission can reach, and a secret in a hidden check."""
    findings = tuple(
        Finding(
            code="odd-name",
            severity=severity,  # type: ignore[arg-type]
            message=msg("The name %(name)s is odd.", name=payload),
            remedy=msg("Rename %(name)s.", name=payload),
            file=file,
            line=line,
            path=payload,
            detail=(payload,) * 3,
        )
        for severity, file, line in (
            ("error", payload, 3),
            ("warning", "", 0),
            ("notice", "../../etc/passwd", 1),
            ("error", "a b:c%,ñ/[x](y).yaml", 0),
        )
    )
    outcomes = (
        Outcome(check="queue.durable", verdict="failed", reason="queue-not-durable", expected=literal(payload),
                observed=literal(payload), began=0, ended=1),
        Outcome(check="restart.tasks", verdict="blocked", blocked_by="queue.durable"),
        Outcome(check="ack.after-work", verdict="failed", reason=SECRET, expected=literal(SECRET),
                observed=literal(SECRET + payload)),
        Outcome(check="poison.malformed", verdict="blocked", blocked_by=SECRET, reason=SECRET),
    )  # fmt: skip
    if error:
        outcomes += (Outcome(check="share.replicas", verdict="error", reason="canary-failed"),)
    return builders.result(
        *outcomes,
        rejected=rejected,
        findings=findings,
        submission=payload,
        errors=(f"{SECRET} {payload}",) if error else (),
    )


HOSTILE = {
    "hostile": result(),
    "hostile-rejected": result(rejected=True),
    "hostile-provisional": result(error=True),
    "huge": result(HUGE),
}
