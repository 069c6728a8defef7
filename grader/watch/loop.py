"""Follows a folder: every time its files come to rest after a change, they are graded again on the running stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchfiles import DefaultFilter, watch

from grader.watch.attempts import Attempts, FoundationChangedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from watchfiles import Change

    from grader.model.grade import Result
    from grader.stages import Graded

_REST_MS = 200


class _Sources(DefaultFilter):
    """What a student writes: not our reports, and none of the folders of tools."""

    def __init__(self, out: Path) -> None:
        super().__init__()
        self._out = str(out)

    def __call__(self, change: Change, path: str) -> bool:
        return not path.startswith(self._out) and super().__call__(change, path)


def changes(source: Path, out: Path) -> Iterator[None]:
    """Yield after each change of a file below `source` that is not below `out`; ends at Ctrl-C."""
    for _ in watch(
        source, watch_filter=_Sources(out), debounce=_REST_MS, step=50, raise_interrupt=False,
        ignore_permission_denied=True,  # what a container left behind belongs to its user
    ):  # fmt: skip
        yield


def follow(graded: Graded, source: Path, out: Path, show: Callable[[Result | None], None]) -> bool:
    """Grade each change and `show` its result (None: nothing that runs changed); True if a new stack is needed.

    Returns False at Ctrl-C.
    """
    attempts = Attempts(graded, source)
    failed = [o.check for o in graded.outcomes if o.verdict in {"failed", "error"}]
    for _ in changes(source, out):
        try:
            result = attempts.next(failed)
        except FoundationChangedError:
            return True
        if result:
            failed = [o.check for o in result.outcomes if o.verdict in {"failed", "error"}] or failed
        show(result)
    return False
