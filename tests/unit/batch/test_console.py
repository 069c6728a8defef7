"""What an instructor reads while a class is graded, and at its end."""

from __future__ import annotations

import io

from rich.console import Console

from grader.batch.console import ConsoleListener
from grader.batch.events import BatchEvent, ClassRead, Graded, Grading, TriedAgain
from grader.events import StageBegan
from tests.unit.batch.results import assignment, summary


def shown(*events: BatchEvent) -> list[str]:
    """The lines of a class in which that happened, and which then ended."""
    written = io.StringIO()
    with ConsoleListener(Console(file=written, width=200), assignment(), "en") as listener:
        for event in events:
            listener(event)
    return written.getvalue().splitlines()


def test_the_last_line_counts_what_was_in_work_when_it_ended() -> None:
    """Fifteen are to be graded, one is, two are being graded: fourteen wait for the next time."""
    lines = shown(
        ClassRead(form="folder", students=15, attempts=15),
        *(Grading(f"c{n}", f"s{n}", "h", StageBegan("checks")) for n in range(3)),
        Graded(content="c0", name="s0", students=("s0",), summary=summary(4), left=14),
    )
    assert "final: 1" in lines[-1]
    assert "waiting: 14" in lines[-1]


def test_who_was_slept_through_is_told_from_an_error() -> None:
    """They read differently."""
    slept, failed = shown(TriedAgain("c", "ana", 0.0, "", stood_s=349.6), TriedAgain("c", "ana", 30.0, "it broke"))[:2]
    assert "ana: the machine stood still for 350 s" in slept
    assert "ana: an error of ours, tried again in 30 s (it broke)" in failed
