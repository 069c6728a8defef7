"""The console: what is printed, where there is a terminal and where there is none."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from grader.events import CheckBegan, CheckEnded, Notice, StageBegan, StageEnded
from grader.model.text import msg
from grader.presentation.audience import redacted
from grader.reports import console as reports_console
from tests.unit.reports import builders

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


def screen(*, terminal: bool = False, width: int = 90) -> Console:
    """Build a console that writes into memory."""
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, legacy_windows=False)


def printed(console: Console) -> str:
    """Return what was printed, without blanks at the ends of lines."""
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def play(console: Console, lang: str = "es") -> None:
    """Play the events of a grading."""
    result = builders.several_failed()
    with reports_console.ConsoleListener(console, result.assignment, lang) as listen:
        listen(StageBegan("build"))
        listen(Notice(msg("Removed what an interrupted run had left: %(name)s", name="grader-1\x1b[2J\n::error::x")))
        listen(StageEnded("build", 22.5))
        for outcome in result.outcomes:
            listen(CheckBegan(outcome.check))
            listen(CheckEnded(outcome))
        listen(StageEnded("checks", 74.0, ok=False))


def test_progress_without_a_terminal(snapshot: SnapshotAssertion) -> None:
    """In a CI log there is one plain line for what has ended, and no control character."""
    console = screen()
    play(console)
    assert "\x1b" not in printed(console)
    assert printed(console) == snapshot


def test_progress_in_a_terminal_ends_with_the_same_lines() -> None:
    """The spinner comes and goes; each check's line stays."""
    console = screen(terminal=True)
    play(console, "en")
    assert "A task is done and reported" in printed(console)
    assert "\x1b[" in printed(console)


@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("story", builders.STORIES)
def test_summary(story: str, lang: str, snapshot: SnapshotAssertion) -> None:
    """The end of a grading for each kind of result."""
    console = screen()
    reports_console.summary(
        redacted(builders.STORIES[story](), "instructor"), console, lang=lang, report=Path("out/report.html")
    )
    assert printed(console) == snapshot


def test_summary_for_a_student_keeps_hidden_checks_closed() -> None:
    """Title and outcome are shown, expected and observed are not."""
    console = screen()
    reports_console.summary(redacted(builders.several_failed(), "student"), console, lang="en")
    assert "A task held by a killed worker" in printed(console)
    assert "slow-1" not in printed(console)


@pytest.mark.parametrize("width", [20, 37, 90])
def test_a_student_sends_no_command_to_the_ci_service(width: int) -> None:
    """However lines are wrapped, none begins with a workflow command."""
    console = screen(width=width)
    reports_console.summary(redacted(builders.several_failed(), "instructor"), console)
    reports_console.findings(builders.refused().findings, console)
    assert "::" not in printed(console).replace("rojo::", "")
    assert not [line for line in printed(console).splitlines() if line.strip().startswith("::")]


def test_verdict_of_inspect(snapshot: SnapshotAssertion) -> None:
    """`grader inspect` prints findings, the worst first, and what would run."""
    console = screen()
    notice = {"code": "ports-dropped", "severity": "notice", "file": "compose.yaml", "line": 3, "path": "a.b"}
    warning = {"code": "replicas-cannot-start", "severity": "warning", "file": "c", "line": 0, "path": ""}
    services = {"worker": {"image": "build:worker", "scale": 3}, "db": {"image": "postgres:17"}}
    verdict = {
        "accepted": True,
        "findings": [{**notice, "message": "first"}, {**warning, "message": "[b]second"}],
        "effective": {"services": services},
    }
    reports_console.print_verdict(verdict, "en", console)
    reports_console.print_verdict({**verdict, "accepted": False, "findings": []}, "en", console)
    assert printed(console) == snapshot
