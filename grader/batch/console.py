"""A class while it is graded: a live table on a terminal, lines in a log file."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text as Line

from grader import untrusted
from grader.batch.events import (
    BatchEvent,
    ClassRead,
    Graded,
    Grading,
    ImageMissing,
    Remark,
    TriedAgain,
    WorkerJoined,
    WorkerLost,
    WorkerRefused,
)
from grader.events import CheckBegan, StageBegan
from grader.model.text import Text, msg
from grader.presentation.words import STATUSES, Words

if TYPE_CHECKING:
    from rich.console import Console

    from grader.events import PipelineEvent
    from grader.model.assignment import Assignment

_SHOWN = 12  # gradings in the table; more would scroll it away
_STYLES = {"final": "green", "provisional": "bold magenta", "rejected": "bold red"}
_FIRST_RATE = 3  # gradings before a rate says anything


class _Running(msgspec.Struct):
    name: str
    host: str
    since: float
    doing: str = ""


class ConsoleListener:
    """Shows a batch's events; a context manager, so that the table goes away when the batch raises."""

    def __init__(self, console: Console, assignment: Assignment, lang: str) -> None:
        self._console = console
        self._assignment = assignment
        self._words = Words(lang, assignment)
        self._lock = threading.RLock()
        self._running: dict[str, _Running] = {}
        self._counts = dict.fromkeys(("final", "provisional", "rejected", "cached"), 0)
        self._left = 0
        self._total = 0
        self._began = time.monotonic()
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> ConsoleListener:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live.is_started:
            self._live.stop()
        with self._lock:
            self._running.clear()  # what was in work when it ended has to be graded as well
            self._line("·", "dim", self._totals())

    def __call__(self, event: BatchEvent) -> None:
        """Take one event, from any thread."""
        with self._lock:
            self._take(event)

    def _take(self, event: BatchEvent) -> None:
        match event:
            case ClassRead():
                self._total = self._left = event.attempts
                text = msg(
                    "%(n)s submissions of %(students)s students (%(form)s)",
                    n=event.attempts,
                    students=event.students,
                    form=event.form,
                )
                self._line("·", "cyan", self._words(text))
            case Grading(content, name, host, inner):
                running = self._running.setdefault(content, _Running(name, host, time.monotonic()))
                running.doing = self._doing(inner) or running.doing
            case Graded():
                self._graded(event)
            case TriedAgain():
                self._running.pop(event.content, None)
                self._line("!", "magenta", self._words(_tried_again(event)))
            case _:
                self._machine(event)

    def _machine(self, event: BatchEvent) -> None:
        match event:
            case WorkerJoined(_, host, memory, cpus):
                text = msg("%(host)s grades: %(memory)s MiB, %(cpus)s processors", host=host, memory=memory, cpus=cpus)
                self._line("+", "cyan", self._words(text))
            case WorkerLost(_, host):
                self._running = {c: r for c, r in self._running.items() if r.host != host}
                self._line(
                    "-", "bold yellow", self._words(msg("%(host)s is gone; its work is done elsewhere", host=host))
                )
            case WorkerRefused(_, host, problems):
                for problem in problems:
                    self._line("✗", "yellow", f"{host}: {self._words(problem)}")
            case ImageMissing(_, submissions, message, remedy):
                text = msg("%(n)s submissions cannot be graded for want of an image", n=submissions)
                self._line("✗", "bold magenta", self._words(text))
                for text in (message, *([remedy] if remedy else [])):
                    self._line(" ", "dim", f"  {self._words(text)}")
            case Remark(text):
                self._line("·", "dim", self._words(text))

    def _graded(self, event: Graded) -> None:
        self._left = event.left
        self._running.pop(event.content, None)
        summary = event.summary
        self._counts["cached" if event.cached else summary.status] += len(event.students)
        who = ", ".join(event.students[:4]) + (" …" if len(event.students) > 4 else "")
        what = (
            f"{summary.score}/{summary.max_score}"
            if summary.status == "final"
            else self._words(STATUSES[summary.status])
        )
        how = self._words(msg("from the journal")) if event.cached else f"{summary.seconds:.0f} s"
        done = self._total - self._left
        self._line(
            "✓" if summary.status == "final" else "!",
            _STYLES[summary.status],
            f"{done}/{self._total}  {who}  {what}  {how}",
        )

    def _doing(self, event: PipelineEvent) -> str:
        match event:
            case StageBegan(stage):
                return self._words.stage(stage)
            case CheckBegan(check):
                return check
        return ""

    def _totals(self) -> str:
        counts, waiting = self._counts, max(0, self._left - len(self._running))
        parts = [
            msg("final: %(n)s", n=counts["final"]),
            msg("provisional: %(n)s", n=counts["provisional"]),
            msg("rejected: %(n)s", n=counts["rejected"]),
            msg("from the journal: %(n)s", n=counts["cached"]),
            msg("waiting: %(n)s", n=waiting),
            self._rate(),
        ]
        return "   ".join(self._words(part) for part in parts if part)

    def _rate(self) -> Text | None:
        graded = sum(self._counts[k] for k in ("final", "provisional", "rejected"))
        hours = (time.monotonic() - self._began) / 3600
        if graded < _FIRST_RATE:
            return None
        if not self._left:
            return msg("%(rate)s an hour", rate=round(graded / hours))
        left = self._left / (graded / hours)
        return msg("%(rate)s an hour, %(left)s min left", rate=round(graded / hours), left=round(left * 60))

    def _table(self) -> Group:
        with self._lock:
            table = Table.grid(padding=(0, 2))
            for running in list(self._running.values())[:_SHOWN]:
                seconds = time.monotonic() - running.since
                table.add_row(
                    Line(untrusted.for_log(running.name, limit=30)),
                    Line(untrusted.for_log(running.doing, limit=50), style="cyan"),
                    Line(f"{seconds:.0f} s", style="dim"),
                    Line(untrusted.for_log(running.host, limit=20), style="dim"),
                )
            return Group(Line(self._totals(), style="bold"), table)

    def _line(self, glyph: str, style: str, text: str) -> None:
        line = Line(glyph, style=style).append(f" {untrusted.for_log(text)}", style="default")
        self._console.print(line, soft_wrap=True)


def _tried_again(event: TriedAgain) -> Text:
    if event.stood_s:
        return msg(
            "%(name)s: the machine stood still for %(n)s s while it was in work; it is graded again",
            name=event.name,
            n=round(event.stood_s),
        )
    return msg(
        "%(name)s: an error of ours, tried again in %(n)s s (%(why)s)",
        name=event.name,
        n=round(event.after_s),
        why=event.why,
    )
