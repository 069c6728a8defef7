"""The gateway's DNS answers, byte by byte."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from grader.stack.gateway_program import no_such_name


def query(*labels: bytes, extra: bytes = b"", flags: int = 0x0100) -> bytes:
    head = struct.pack("!HHHHHH", 0xBEEF, flags, 1, 0, 0, 1 if extra else 0)
    name = b"".join(bytes((len(label),)) + label for label in labels)
    return head + name + b"\x00" + struct.pack("!HH", 1, 1) + extra


def test_every_question_gets_nxdomain() -> None:
    """Same id and question, the answer bit, recursion desired and available, code 3, no records."""
    asked = query(b"redis", b"example")
    answer = no_such_name(asked)
    assert answer is not None
    assert struct.unpack("!HHHHHH", answer[:12]) == (0xBEEF, 0x8183, 1, 0, 0, 0)
    assert answer[12:] == asked[12:]


def test_what_follows_the_question_is_left_out() -> None:
    """An EDNS record of the query is not echoed."""
    assert no_such_name(query(b"a", extra=b"\x00\x00\x29" + bytes(8))) == no_such_name(query(b"a"))


def test_an_answer_is_not_answered() -> None:
    """Two such servers would otherwise talk for ever."""
    assert no_such_name(query(b"a", flags=0x8100)) is None


@given(st.binary(max_size=80))
def test_garbage_does_no_harm(data: bytes) -> None:
    """Any bytes give an answer of the same id, or none."""
    answer = no_such_name(data)
    assert answer is None or answer[:2] == data[:2]
