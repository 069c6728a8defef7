"""One grading as CSV: the header and one row of a class's plain gradebook, so that rows can be put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grader import untrusted
from grader.exports.gradebook import BOM, plain_header
from grader.exports.shown import shown

if TYPE_CHECKING:
    from grader.presentation.audience import Redacted

REPORT: Final = "report.html"


def text(result: Redacted, *, lang: str) -> bytes:
    """Return the file: UTF-8 with a byte order mark; what only a class knows is blank."""
    document = shown(result, lang).document
    values: dict[str, str | int | float] = {
        "student": untrusted.for_log(document.submission),
        "attempt": 1,
        "late": "no",
        "score": document.score,
        "max_score": document.max_score,
        "bonus": document.bonus,
        "status": document.status,
        "graded_at": document.started_at,
        "report": REPORT,
    }
    checks = {check.id: check.points for check in document.checks}
    header = plain_header([*checks])
    row = [checks[name] if name in checks else values.get(name, "") for name in header]
    return BOM + (untrusted.csv_line(header) + untrusted.csv_line(row)).encode("utf-8", "replace")
