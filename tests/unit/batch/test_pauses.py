"""Time that went by without us is noticed, whichever clock tells."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from grader.batch import pauses
from grader.batch.pauses import Patience, Watch
from grader.polling import pause

STOPPED = """
from threading import Event
from grader.batch import pauses
pauses.LONG_S, pauses.TICK_S = 1.0, 0.05
told = Event()
with pauses.Watch(told.set) as watch:
    print("there", flush=True)
    assert told.wait(60)
print(watch.stood_s, flush=True)
"""


@pytest.mark.parametrize(
    ("after", "stood"),
    [
        ((1, 1, 1), 0),
        ((pauses.LONG_S, pauses.LONG_S, pauses.LONG_S), 0),  # a busy machine
        ((350, 350, 350), 350),  # the process was stopped
        ((1, 3600, 3600), 3600),  # the machine slept
        ((1, 1, 90), 90),  # a virtual machine was moved, and its clock put right
        ((1, 1, -3600), 0),  # a clock was put back
    ],
)
def test_a_pause_is_what_any_clock_says(after: tuple[float, ...], stood: float) -> None:
    """Each kind of standing still shows in another one."""
    readings = iter([(0.0, 0.0, 0.0), after])
    watch = Watch(clocks=lambda: next(readings))
    assert watch.look() == bool(stood)
    assert watch.stood_s == stood


def test_a_process_that_was_stopped_knows_it() -> None:
    """Real signals, real clocks."""
    child = subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "there\n"
    child.send_signal(signal.SIGSTOP)
    pause(2)
    child.send_signal(signal.SIGCONT)
    stood = float(child.stdout.readline())
    assert (child.wait(30), stood >= 1.5) == (0, True)
    child.stdout.close()


def test_what_was_slept_through_takes_nobodys_patience() -> None:
    """Only time in which somebody could act counts."""
    now = 0.0
    patience = Patience(30, lambda: now)
    for _ in range(3):
        now += 3600
        assert not patience.over()
    now += 1
    assert patience.over()
    patience.renew()
    assert not patience.over()
