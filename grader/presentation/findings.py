"""Which findings are written down when there are very many: the worst first, and how many were left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grader.model.findings import Finding
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Sequence

SEVERITIES: Final = ("error", "warning", "notice")  # the worst first
LEFT_OUT: Final = "findings-left-out"


def worst(findings: Sequence[Finding], limit: int) -> tuple[Finding, ...]:
    """Return at most `limit` findings in their order; of more the worst ones, and a notice that says how many."""
    if len(findings) <= limit:
        return tuple(findings)
    ranked = sorted(findings, key=lambda f: SEVERITIES.index(f.severity))
    return (
        *ranked[:limit],
        Finding(
            code=LEFT_OUT,
            severity="notice",
            message=msg("%(n)s more findings are left out here.", n=len(findings) - limit),
        ),
    )
