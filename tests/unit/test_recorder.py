"""The live History: waiting on what other threads record."""

from __future__ import annotations

import itertools
import threading

import pytest

from grader.polling import DeadlineError
from grader.probes.recorder import Recorder


def ticking() -> Recorder:
    numbers = itertools.count(1)
    return Recorder(lambda: float(next(numbers)))


def test_a_wait_ends_with_the_event() -> None:
    """What another thread notes wakes whoever waits."""
    recorder = ticking()
    threading.Timer(0.05, lambda: recorder.note("amqp", "stored", subject="a")).start()
    found = recorder.wait_for(lambda h: h.about("a").events or None, within=10, what="a", at_least=10)
    assert found[0].kind == "stored"


def test_a_wait_that_ends_in_vain_says_for_what() -> None:
    """The deadline holds although other things happen."""
    recorder = ticking()
    recorder.note("amqp", "stored", subject="b")
    with pytest.raises(DeadlineError, match="the marker"):
        recorder.wait_for(lambda h: h.about("a").events or None, within=0.05, what="the marker")


def test_history_since_a_moment() -> None:
    """Earlier checks' events do not count."""
    recorder = ticking()
    recorder.note("grader", "note", subject="old")
    later = recorder.note("grader", "note", subject="new")
    assert recorder.history(later.at).subjects() == ("new",)
