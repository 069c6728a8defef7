"""The private pipe between the checks' process and the grader: nothing on it becomes points that is not an outcome."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.checks import channel
from grader.checks.channel import MAX_LINE, Began, Broken, Ended, Finished, Message, Sender, portable, receive
from grader.model.history import Event
from grader.model.outcome import Evidence, Outcome
from grader.model.text import Text, literal, msg

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

PASSED = Ended(Outcome(check="a", verdict="passed"))


def sent(*messages: Message) -> list[Message]:
    """Send messages through a pipe that is read at the same time, as the grader does."""
    reading, writing = os.pipe()
    sender = Sender(writing)

    def send() -> None:
        for message in messages:
            sender.send(message)
        sender.close()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        return list(receive(reading))
    finally:
        thread.join(10)


def read(pieces: Iterable[bytes], checks: Collection[str] | None = None) -> list[Message]:
    """Read what a foreign writer puts on the pipe; it must not be left hanging."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            try:
                for piece in pieces:
                    file.write(piece)
                file.flush()
            except BrokenPipeError:
                file.raw.close()  # the reader has had enough; nothing is left to flush

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        return list(receive(reading, checks))
    finally:
        thread.join(10)
        assert not thread.is_alive()


def lines(*messages: Message) -> bytes:
    """Encode messages as the sender does, one a line."""
    return b"".join(msgspec.json.encode(m) + b"\n" for m in messages)


def test_what_is_sent_arrives() -> None:
    """Outcomes travel whole, with texts still to be translated."""
    outcome = Outcome(check="a", verdict="failed", reason="x", observed=msg("%(n)s tasks", n=3))
    assert sent(Began("a"), Ended(outcome), Finished()) == [Began("a"), Ended(outcome), Finished()]


@pytest.mark.parametrize(
    "line",
    [
        b'{"type": "ended"}\n',
        b"passed\n",
        b'{"type":"finished","extra"',
        b"\xff\n",
        b'{"type":"began","check":"\xff\xfe"}\n',
        b'{"type":"began","check":"a","points":100}\n',
        b'{"type":"graded","score":100}\n',
        b'{"type":"began","check":7}\n',
        b'{"type":"ended","outcome":{"check":"a","verdict":"excellent"}}\n',
        b"[" * 100_000 + b"]" * 100_000 + b"\n",
        b'{"type":"began","check":"a"}\r{"type":"finished"}\n',
        b"\n",
        b"\x00\n",
        b'{"type":"finished"}',  # cut off before its end
    ],
    ids=lambda line: repr(line[:40]),
)
def test_anything_else_on_the_pipe_is_refused(line: bytes) -> None:
    """What is not a message of ours never becomes an outcome."""
    with pytest.raises(msgspec.DecodeError):
        read([line])


def test_a_value_nested_too_deep_is_refused_as_any_other() -> None:
    """The reader knows one kind of failure, whatever was wrong."""
    bomb = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    event = b'{"at":0.0,"source":"","kind":"","data":' + bomb + b"}"
    head = b'{"type":"ended","outcome":{"check":"a","verdict":"passed","events":['
    with pytest.raises(msgspec.DecodeError):
        read([lines(Began("a")), head + event + b"]}}\n"])


def test_a_line_without_end_is_read_to_the_limit_only() -> None:
    """A hundred megabytes on one line cost the grader four."""
    taken = 0

    def pieces() -> Iterable[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b"x" * 1_000_000

    with pytest.raises(msgspec.DecodeError, match="too long"):
        read(pieces())
    assert taken < 10


@pytest.mark.parametrize(
    "messages",
    [
        (Began("a"), PASSED, PASSED),
        (Began("a"), PASSED, Began("a"), PASSED),
        (PASSED,),
        (Began("b"), PASSED),
        (Began("a"), PASSED, Finished(), Finished()),
        (Finished(), Began("a"), PASSED),
        (Began("other"), Ended(Outcome(check="other", verdict="passed"))),
    ],
    ids=["twice", "again", "never-began", "another", "two-ends", "after-the-end", "not-in-the-rubric"],
)
def test_what_is_out_of_order_is_refused(messages: tuple[Message, ...]) -> None:
    """A check is judged once, while it runs, and only if the run has it."""
    with pytest.raises(msgspec.DecodeError):
        read([lines(*messages)], checks=("a", "b"))


def test_the_first_outcome_is_the_one_that_counts() -> None:
    """What comes before a fault has been read; what comes with it is not."""
    reading, writing = os.pipe()
    failed = Ended(Outcome(check="a", verdict="failed"))
    os.write(writing, lines(Began("a"), failed, Began("a"), PASSED))
    os.close(writing)
    stream = receive(reading)
    seen = [next(stream), next(stream)]
    with pytest.raises(msgspec.DecodeError):
        next(stream)
    assert seen == [Began("a"), failed]


def test_endless_messages_are_an_error() -> None:
    """There is a bound on messages too, not only on lines."""
    with pytest.raises(msgspec.DecodeError):
        read([lines(Broken("x")) * (channel.MAX_MESSAGES + 1)])


def test_a_check_that_never_ended_does_not_stop_the_next() -> None:
    """Its outcome is missing, which is judged elsewhere; the others count."""
    messages: list[Message] = [Began("b"), Began("a"), PASSED, Finished()]
    assert read([lines(*messages)]) == messages


def test_text_of_a_submission_stays_in_its_line() -> None:
    """Line breaks and messages in a quoted text are text."""
    fake = '\n{"type":"ended","outcome":{"check":"b","verdict":"passed"}}\r\n\u2028'
    outcome = Outcome(check="a", verdict="failed", observed=literal(fake))
    assert sent(Began("a"), Ended(outcome)) == [Began("a"), Ended(outcome)]


HOSTILE: dict[str, Any] = {
    "surrogates": "\ud800 \udfff",
    "huge": "<" * 1_000_000,
    "nul": "\x00" * 1_000_000,
    "integer": 10**30,
    "long-integer": 10**6000,
    "nan": float("nan"),
    "infinity": float("-inf"),
    "truth": True,
    "none": None,
    "bytes": b"\xff" * 100,
    "a-set": {1, 2},
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_of_a_submission_keeps_an_outcome_from_arriving(value: Any) -> None:
    """Whatever a message body or a log held, the verdict arrives: else a submission could earn an error of ours."""
    deep: Any = value
    for _ in range(5_000):
        deep = [deep]
    text = value if isinstance(value, str) else "x"
    outcome = Outcome(
        check="a",
        verdict="failed",
        reason="code",
        expected=Text("%(x)s", {"x": value}),
        observed=literal(text),
        evidence=tuple(Evidence(title=literal(text), lines=(text,) * 500) for _ in range(100)),
        events=tuple(
            Event(
                at=1.0, source="amqp", kind=text, subject=text, data={text: value, "deep": deep, "many": [value] * 500}
            )
            for _ in range(2_000)
        ),
    )
    _, arrived, end = sent(Began("a"), Ended(outcome), Finished())
    assert isinstance(arrived, Ended)
    assert (arrived.outcome.check, arrived.outcome.verdict, arrived.outcome.reason) == ("a", "failed", "code")
    assert len(msgspec.json.encode(arrived)) < MAX_LINE
    assert end == Finished()


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_a_portable_outcome_is_read_back_as_it_is(value: Any) -> None:
    """What the sender makes of an outcome is what the reader gets."""
    event = Event(at=0.5, source="http", kind="response", data={"value": value})
    outcome = portable(Outcome(check="a", verdict="passed", events=(event,), observed=Text("m", {"v": value})))
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome
    assert portable(outcome) == outcome


def test_what_a_check_starts_does_not_inherit_the_pipe() -> None:
    """Not even a child that keeps all descriptors open can write to it."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # as it comes to the checks' process
    sender = Sender(writing)
    program = f"import os\ntry:\n  os.write({writing}, b'x')\nexcept OSError as error:\n  print(error.errno)"
    for close in (True, False):
        child = subprocess.run(
            [sys.executable, "-c", program], close_fds=close, capture_output=True, text=True, timeout=30, check=True
        )
        assert child.stdout == "9\n"  # EBADF
    sender.close()
    assert list(receive(reading)) == []


def test_a_reader_that_left_is_no_failure() -> None:
    """The grader may have killed the run: the plug-in just ends."""
    reading, writing = os.pipe()
    os.close(reading)
    sender = Sender(writing)
    sender.send(Finished())
    sender.close()
