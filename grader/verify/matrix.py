"""The kill matrix as a table: check x mutant, and the table of repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.verify.judging import Row, flaky

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.model.assignment import Assignment

GLYPHS = {"passed": "·", "failed": "✗", "blocked": "-", "error": "!"}


def markdown(rows: Sequence[Row]) -> str:
    """Return the matrix as Markdown: which check caught which mutant for which reason, and the repeats."""
    lines = ["| subject | run | passed | failed, with reason | blocked | s |", "|---|---|---|---|---|---|"]
    for row in rows:
        passed = sum(1 for v, _ in row.cells.values() if v == "passed")
        failed = [f"{c}: `{r}`" for c, (v, r) in row.cells.items() if v in {"failed", "error"}]
        blocked = sum(1 for v, _ in row.cells.values() if v == "blocked")
        kind = "mutant" if row.mutant else "reference"
        lines.append(
            f"| {row.subject} ({kind}) | {row.repeat} | {passed} | {'; '.join(failed) or '-'} "
            f"| {blocked} | {row.seconds:.0f} |"
        )
    unsteady = flaky(rows)
    lines += ["", "Flakes: " + ("; ".join(unsteady) if unsteady else "none"), ""]
    return "\n".join(lines)


def show(assignment: Assignment, rows: Sequence[Row]) -> None:
    """Print the matrix: checks down, subjects across is too wide for a terminal, so subjects stand below each other."""
    from rich.columns import Columns  # noqa: PLC0415 - start-up time
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    checks = [c.id for c in assignment.checks]
    names = [row.subject if row.mutant else f"{row.subject} (reference)" for row in rows]
    grid = Table(title=f"{assignment.id}: · passed  ✗ failed  - blocked  ! our error", box=None, padding=(0, 1, 0, 0))
    grid.add_column("\nsubject", no_wrap=True, min_width=max(map(len, names), default=0))
    for n in range(1, len(checks) + 1):  # a number's digits below each other: all checks fit beside the names
        grid.add_column(f"{n // 10 or ' '}\n{n % 10}")
    for name, row in zip(names, rows, strict=True):
        grid.add_row(name, *(GLYPHS.get(row.cells.get(c, ("", ""))[0], " ") for c in checks))
    console.print(grid)
    console.print(Columns([f"{n:>2} {c}" for n, c in enumerate(checks, 1)], padding=(0, 2), column_first=True))
