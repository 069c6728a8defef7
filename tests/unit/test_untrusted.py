"""What a submission wrote is shown, not obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import untrusted


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x00b\x07c\x9bmd", "abcd"),
        ("exe.\u202egnp", "exe.[U+202E]gnp"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("half \ud800", "half \ufffd"),
        ("señal 日本 👍", "señal 日本 👍"),
    ],
)
def test_escape_sequences_and_invisible_characters(raw: str, shown: str) -> None:
    """Sequences vanish, reading direction is named, ordinary text of any script stays."""
    assert shown == untrusted.clean(raw)


def test_long_text_is_capped_and_says_so() -> None:
    """A megabyte of text becomes a screenful."""
    shown = untrusted.clean("x" * 1_000_000, limit=100)
    assert shown == "x" * 100 + " […]"


def test_only_the_last_lines_are_kept() -> None:
    """The end of a log says why a program ended; what is left out is counted."""
    assert untrusted.lines([f"line {n}" for n in range(5)], limit=2) == ("[… 3]", "line 3", "line 4")


def test_a_log_line_is_no_command_of_a_ci_service() -> None:
    """Workflow commands of students do not reach the runner."""
    shown = untrusted.for_log("x\n::error file=a::b\n##[group]c")
    assert "::" not in shown
    assert "##[" not in shown
    assert "\n" not in shown


@given(st.text(max_size=300))
def test_nothing_that_controls_a_terminal_remains(raw: str) -> None:
    """No input leaves a control character but line break and tab."""
    shown = untrusted.clean(raw)
    assert not [c for c in shown if ord(c) < 32 and c not in "\n\t"]
    assert "\x7f" not in shown
    shown.encode()
