"""Shows gradings while they run, from the JSON lines that `grader grade --json` prints.

On a terminal there is one live table of what is under way; elsewhere a line when a submission's stage changes. Both
have a line for each check that fails. The log gets everything.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Self, TextIO

import msgspec
from rich.live import Live
from rich.table import Table
from rich.text import Text as Line

from grader import untrusted
from grader.model.text import msg
from grader.presentation.words import COUNTS, GLYPHS, Words

if TYPE_CHECKING:
    from rich.console import Console

    from grader.model.assignment import Assignment


# The others are over before a line on them could be read.
_STAGES = {"images", "build", "up", "checks", "teardown"}


class _Row(msgspec.Struct):
    since: float
    doing: str = ""
    passed: int = 0
    failed: int = 0


class Board:
    """The submissions under way; a context manager, so that the table goes away when something raises.

    `take` is called from the threads that read the gradings' output.
    """

    def __init__(self, console: Console, assignment: Assignment, lang: str, log: TextIO) -> None:
        self._console = console
        self._words = Words(lang, assignment)
        self._titles = {c.id: c.title.in_language(lang) for c in assignment.checks}
        self._log = log
        self._began = time.monotonic()
        self._rows: dict[str, _Row] = {}
        self._lock = threading.RLock()
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live.is_started:
            self._live.stop()

    def began(self, name: str) -> None:
        """Show a submission from now on."""
        with self._lock:
            self._rows[name] = _Row(time.monotonic())

    def take(self, name: str, line: str) -> None:
        """Take a line of a grading's output: an event, or something that it said besides."""
        with self._lock:
            try:
                event = json.loads(line)
            except ValueError:
                event = {}
            if event.get("type") != "result":  # that lies beside the log, in a file of its own
                self._log.write(f"{time.monotonic() - self._began:7.1f} {name}: {line}\n")
                self._log.flush()
            if not event:
                self._print("!", "yellow", name, line)
            elif name in self._rows:
                self._event(name, self._rows[name], event)

    def _event(self, name: str, row: _Row, event: dict[str, Any]) -> None:
        match event:
            case {"type": "stage-began", "stage": stage}:
                row.doing = self._words.stage(stage)
                if not self._console.is_terminal and stage in _STAGES:
                    self._print("·", "cyan", name, row.doing)
            case {"type": "check-began", "check": check}:
                row.doing = self._titles.get(check, check)
            case {"type": "check-ended", "outcome": "passed"}:
                row.passed += 1
            case {"type": "check-ended", "check": check, "outcome": "failed" | "error" as outcome}:
                row.failed += 1
                self._print(GLYPHS[outcome], "bold red", name, self._titles.get(check, check))
            case {"type": "result"}:
                del self._rows[name]
                self._print("·", "cyan", name, f"{self._counts(row)}, {time.monotonic() - row.since:.0f} s")

    def _print(self, glyph: str, style: str, name: str, text: str) -> None:
        line = Line(glyph, style=style).append(f" {name}: {untrusted.for_log(text)}", style="default")
        self._console.print(line)

    def _counts(self, row: _Row) -> str:
        counts = {"passed": row.passed, "failed": row.failed}
        return ", ".join(self._words(msg(COUNTS[verdict].msgid, n=n)) for verdict, n in counts.items())

    def _table(self) -> Table:
        with self._lock:
            table = Table.grid(padding=(0, 2))
            for name, row in self._rows.items():
                seconds = time.monotonic() - row.since
                table.add_row(
                    Line(name, style="bold"), Line(self._counts(row), style="dim"),
                    Line(f"{seconds:.0f} s", style="dim"), Line(untrusted.for_log(row.doing, limit=70), style="cyan"),
                )  # fmt: skip
            return table
