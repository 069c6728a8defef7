"""Waiting ends when the thing is there, or at the deadline with what was seen last."""

from __future__ import annotations

import itertools

import pytest

from grader import polling


def test_eventually_returns_what_the_probe_gave():
    """The first true value is the answer."""
    values = iter([None, 0, "ready"])
    assert polling.eventually(lambda: next(values), within=5, every=0.001, what="readiness") == "ready"


def test_eventually_names_what_it_awaited_and_saw_last():
    """The error says what, how long, and the last value."""
    with pytest.raises(polling.DeadlineError) as caught:
        polling.eventually(list, within=0.05, every=0.01, what="a result")
    assert caught.value.what == "a result"
    assert caught.value.last == []
    assert caught.value.waited_s >= 0.05


def test_eventually_probes_once_even_without_time():
    """A deadline of nothing still looks."""
    assert polling.eventually(lambda: True, within=0, what="it")


def test_eventually_retries_only_what_it_is_told_to():
    """An exception is "not yet" only when named."""
    answers = itertools.chain([ConnectionError("no")], itertools.repeat(None))

    def probe() -> bool:
        if error := next(answers):
            raise error
        return True

    assert polling.eventually(probe, within=5, every=0.001, what="it", retry_on=(ConnectionError,))
    answers = itertools.repeat(ValueError("bug"))  # type: ignore[assignment]
    with pytest.raises(ValueError, match="bug"):
        polling.eventually(probe, within=5, what="it", retry_on=(ConnectionError,))


def test_never_returns_none_when_nothing_came():
    """A quiet window is watched to its end."""
    calls = []
    assert polling.never(lambda: calls.append(1), for_=0.05, every=0.01) is None
    assert len(calls) >= 3


def test_never_returns_what_came():
    """What should not happen is returned at once."""
    values = iter([None, "message", None])
    assert polling.never(lambda: next(values), for_=60, every=0.001) == "message"


def test_deadline_counts_down():
    """`left` is never negative and `passed` follows it."""
    assert polling.Deadline(0).passed()
    assert polling.Deadline(-1).left() == 0
    assert 59 < polling.Deadline(60).left() <= 60
    assert not polling.Deadline(float("inf")).passed()


def test_quiet_for_waits_until_the_count_stands_still():
    """The count is returned once it has not moved for the quiet time."""
    counts = itertools.chain([0, 1, 2, 5], itertools.repeat(7))
    assert polling.quiet_for(lambda: next(counts), quiet=0.05, within=5, every=0.005) == 7


def test_quiet_for_gives_up_on_a_count_that_never_rests():
    """A count that goes on is an error after the deadline."""
    counts = itertools.count()
    with pytest.raises(polling.DeadlineError):
        polling.quiet_for(lambda: next(counts), quiet=0.05, within=0.2, every=0.01)
