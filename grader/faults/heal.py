"""What every fault has in common: settling before, a record of it, and healing that masks nothing."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypeAlias

from grader.errors import SubmissionBrokenError
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grader.stack.container import Container
    from grader.stack.stack import Stack

Kind: TypeAlias = Literal["fault", "healed"]
Note: TypeAlias = "Callable[[Kind, str, str], None]"

# The engine doubles the pause before each restart until a container has run this long.
SETTLED_S = 10.0
_PATIENCE_S = 3.0


def settle(stack: Stack, *, settled_s: float = SETTLED_S) -> None:
    """Wait until every container that its restart policy has restarted has run for 10 s.

    What falls over again and again never settles: a little later the fault comes all the same.
    """

    def settled() -> bool:
        now = stack.clock()
        for container in stack.containers():
            state = container.state()
            restless = state.status == "restarting" or (state.restarts > 0 and state.running)
            if restless and now - state.started_at < settled_s:
                return False
        return True

    with contextlib.suppress(DeadlineError):
        eventually(settled, within=settled_s + _PATIENCE_S, every=0.2, what="restarted containers have settled")


@contextlib.contextmanager
def healing(note: Note, actor: str, action: str, *, do: Callable[[], None], heal: Callable[[], None]) -> Iterator[None]:
    """Do a fault, run the body and heal; fault and healing are recorded when they begin, before what they cause.

    Heals whatever is raised, also by a fault half done; an error while healing is attached to that one as a note.
    """
    try:
        note("fault", actor, action)
        do()
        yield
    except BaseException as error:
        try:
            note("healed", actor, action)
            heal()
        except Exception as second:
            error.add_note(f"healing {actor} after {action} failed as well: {second}")
        raise
    note("healed", actor, action)
    heal()


def each(action: Callable[[Container], object], containers: list[Container]) -> Callable[[], None]:
    """Return a function that does something to each container, at once where there are several."""

    def do() -> None:
        with ThreadPoolExecutor(max(1, len(containers))) as pool:
            list(pool.map(action, containers))

    return do


def ensure_running(containers: list[Container]) -> None:
    """Start what does not run, let go on what is paused."""
    for container in containers:
        state = container.state()
        if state.paused:
            container.unpause()
        elif not state.running:
            container.start()


def up_again(stack: Stack, service: str) -> None:
    """Let Compose make a service's missing containers; that the submission refuses to start is for checks to see."""
    with contextlib.suppress(SubmissionBrokenError):
        stack.up([service], deps=False)
