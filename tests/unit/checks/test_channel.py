"""The private pipe between the checks' process and the grader."""

from __future__ import annotations

import os

import msgspec
import pytest

from grader.checks.channel import Began, Ended, Finished, Sender, receive
from grader.model.outcome import Outcome
from grader.model.text import msg


def test_what_is_sent_arrives() -> None:
    """Outcomes travel whole, with texts still to be translated."""
    reading, writing = os.pipe()
    outcome = Outcome(check="a", verdict="failed", reason="x", observed=msg("%(n)s tasks", n=3))
    sender = Sender(writing)
    for message in (Began("a"), Ended(outcome), Finished()):
        sender.send(message)
    sender.close()
    assert list(receive(reading)) == [Began("a"), Ended(outcome), Finished()]


@pytest.mark.parametrize("line", [b'{"type": "ended"}\n', b"passed\n", b'{"type":"finished","extra"', b"\xff\n"])
def test_anything_else_on_the_pipe_is_refused(line: bytes) -> None:
    """What is not a message of ours never becomes an outcome."""
    reading, writing = os.pipe()
    os.write(writing, line)
    os.close(writing)
    with pytest.raises(msgspec.DecodeError):
        list(receive(reading))


def test_a_reader_that_left_is_no_failure() -> None:
    """The grader may have killed the run: the plug-in just ends."""
    reading, writing = os.pipe()
    os.close(reading)
    sender = Sender(writing)
    sender.send(Finished())
    sender.close()
