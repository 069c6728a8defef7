"""What `grader check --keep` and `--watch` do with a stack that is up."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from grader.cli.common import printable
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console

    from grader.model.grade import Result
    from grader.stages import Graded

QUICK = msg(
    "A quick verdict, on brokers that still hold what earlier attempts left. Without --watch it is that of the grade."
)


def keep(graded: Graded, screen: Console, lang: str) -> None:
    """Say how to look inside, and leave everything up until Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        show_inside(graded, screen, lang)
        screen.print(printable(msg("Everything stays up until you press Ctrl-C."), lang), markup=False, highlight=False)
        threading.Event().wait()


def show_inside(graded: Graded, screen: Console, lang: str) -> None:
    """Print the loopback addresses and the commands."""
    from grader.watch import looking  # noqa: PLC0415 - only where a stack is kept

    def line(text: str | Text) -> None:
        shown = printable(text if isinstance(text, Text) else Text("%(line)s", {"line": text}), lang)
        screen.print(shown, markup=False, highlight=False, soft_wrap=True)

    line(msg("To look inside, from this machine:"))
    for port in looking.open_ports(graded):
        line(f"  {port.service}:{port.port}  →  {port.address}")
    for found in looking.commands(graded):
        line(f"  {found.service}")
        for command in found.lines:
            line(f"    {command}")


def watch(
    source: Path, out: Path, screen: Console, lang: str, grade: Callable[[Callable[[Graded], None]], Result],
    present: Callable[[Result], None],
) -> Result:  # fmt: skip
    """Grade, and again after each change until Ctrl-C; returns the last result.

    grade: grades once and calls what it is given with the stack still up. present: shows a result.
    """
    from grader.watch import loop  # noqa: PLC0415 - only where a folder is watched

    last: list[Result] = []

    def show(result: Result | None) -> None:
        if result is None:
            _say(screen, msg("Nothing that runs has changed."), lang)
            return
        last.append(result)
        present(result)
        _say(screen, QUICK, lang)
        _say(screen, msg("Waiting for your next change (Ctrl-C ends)."), lang)

    going_on = True
    while going_on:
        anew: list[bool] = []

        def kept(graded: Graded, anew: list[bool] = anew) -> None:
            result = graded.result()
            last.append(result)
            present(result)
            show_inside(graded, screen, lang)
            _say(screen, msg("Waiting for your next change (Ctrl-C ends)."), lang)
            try:
                anew.append(loop.follow(graded, source, out, show))
            except KeyboardInterrupt:  # before it watches, or while a change is graded
                anew.append(False)

        result = grade(kept)
        if not anew:  # it did not get as far as a stack
            last.append(result)
            present(result)
            _say(screen, msg("Waiting for your next change (Ctrl-C ends)."), lang)
            anew.append(next(loop.changes(source, out), False) is None)
        going_on = anew[0]
        if going_on:
            _say(screen, msg("The compose file has changed: everything is started anew."), lang)
    return last[-1]


def _say(screen: Console, text: Text, lang: str) -> None:
    screen.print(printable(text, lang), style="dim", markup=False, highlight=False)
