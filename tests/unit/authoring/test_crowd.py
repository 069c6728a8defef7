"""Calls at the same moment, and calls that a lever holds up."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import pytest

from grader import at_once, held_up

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_all_are_made_at_the_same_time() -> None:
    """Each waits for all the others; the results are in the calls' order."""
    together = threading.Barrier(5)

    def call(number: int) -> int:
        together.wait(10)
        return number

    assert at_once([lambda n=n: call(n) for n in range(5)]) == list(range(5))  # type: ignore[misc]  # a lambda's default


@pytest.mark.parametrize("failing", [False, True])
def test_what_is_held_up_comes_back_when_the_lever_is_let_go(*, failing: bool) -> None:
    """Not before, and also where the block fails: nobody waits for ever."""
    let_go, entered = threading.Event(), threading.Barrier(4)

    @contextlib.contextmanager
    def lever() -> Iterator[None]:
        try:
            yield
        finally:
            let_go.set()

    def call() -> bool:
        entered.wait(10)
        return let_go.wait(10)

    held = []
    with contextlib.suppress(KeyError), held_up([call] * 3, by=lever()) as asking:
        held = asking
        entered.wait(10)
        assert not any(each.done() for each in asking)
        if failing:
            raise KeyError
    assert [each.result() for each in held] == [True] * 3
