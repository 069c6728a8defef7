"""What a submission wrote is shown, not obeyed."""

from __future__ import annotations

import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import untrusted
from grader.model.text import msg


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x00b\x07c\x9bmd", "abcd"),
        ("exe.\u202egnp", "exe.[U+202E]gnp"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("\u202e" * 500, "[500 U+202E]"),
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


@pytest.mark.parametrize("sign", [*"=+-@|%", "\u2212", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe62", "\ufe66"])
@pytest.mark.parametrize("before", ["", " ", "\u3000", "'", '"', "\x00", "\n", "\t", "\r"])
def test_no_cell_begins_a_formula(sign: str, before: str) -> None:
    """In all widths, and behind what spreadsheets skip."""
    assert untrusted.spreadsheet_cell(f"{before}{sign}cmd|' /C calc'!A0").startswith("'")


def test_a_harmless_cell_stays_as_it_is() -> None:
    """Names and sentences get no apostrophe, and a tab at the begin gets one."""
    assert untrusted.spreadsheet_cell("García, a=b") == "García, a=b"
    assert untrusted.spreadsheet_cell("\tx") == "' x"
    assert untrusted.spreadsheet_cell("") == ""


@given(st.lists(st.text(max_size=50) | st.integers() | st.just('";=1+1\n"'), max_size=5))
def test_a_line_of_cells_has_as_many_cells(cells: list[str | int]) -> None:
    """Nothing inside of a cell ends it or the line; numbers stay numbers."""
    line = untrusted.csv_line(cells)
    rows = list(csv.reader([line], strict=True))
    assert line.count("\n") == 1
    assert len(rows[0]) == len(cells) if cells else not rows or rows == [[]]
    for found, cell in zip(rows[0] if rows else (), cells, strict=True):
        assert found == (untrusted.spreadsheet_cell(cell) if isinstance(cell, str) else str(cell))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text, ok", r"plain text\, ok"),
        ("<img src=x>", r"&lt;img src\=x&gt;"),
        ("![a](http://b)", r"\!\[a\]\(http\[\:\]\/\/b\)"),
        ("@teacher", r"\[\@\]teacher"),
        ("me@www.evil.example", r"me\[\@\]www\[\.\]evil\.example"),
        ("fixes #1 and GH-2", r"fixes \[\#\]1 and GH\[\-\]2"),
        ("- a\n# b\n/close", r"\- a ⏎ \# b ⏎ \/close"),
        ("    code", "code"),
        ("a|b", r"a\|b"),
    ],
)
def test_markdown_shows_text_as_text(raw: str, shown: str) -> None:
    """No markup, HTML, link, image, mention or quick action, on one line."""
    assert untrusted.markdown(raw) == shown


@given(st.text(max_size=200))
def test_markdown_leaves_no_sign_unescaped(raw: str) -> None:
    """Every sign that could mean something has a backslash before it or is an entity."""
    left = re.sub(r"&(?:lt|gt|amp);|\\[!-/:-@\[-`{-~]", "", untrusted.markdown(raw))
    assert not re.search(r"[!-/:-@\[-`{-~]", left)
    assert "\n" not in left


@given(st.text("`~ab\n| ", max_size=80))
def test_a_code_span_is_not_closed_from_inside(raw: str) -> None:
    """Its fence is longer than any run of backticks in it."""
    shown = untrusted.markdown_code(raw)
    fence = re.match(r"`*", shown)
    assert fence is not None
    assert "\n" not in shown
    assert "|" not in shown
    if shown:
        inside = shown[fence.end() : -fence.end()]
        assert all(len(run) < fence.end() for run in re.findall(r"`+", inside))


@pytest.mark.parametrize(
    "raw", [":::error::x", "::::", "a:\x00:b", "##vso[x]", "###[x]", "#\x00#[x]", "##teamcity[x]", "\r\n::x"]
)
def test_no_order_of_signs_makes_a_ci_command(raw: str) -> None:
    """What is parted does not come together again."""
    shown = untrusted.for_log(raw)
    assert "::" not in shown
    assert not re.search(r"##\w*\[", shown)


def test_a_value_is_cut_before_the_words_after_it() -> None:
    """The message stands, however long or unfinished a value is."""
    shown = untrusted.rendered(msg("%(a)s and %(b)s end", a="x" * 9_000, b="\x1b]never ends"), "en")
    assert shown.endswith(" […] and  end")
    assert untrusted.rendered(msg("%(n)d more", n=float("inf")), "en") == "%(n)d more"


def test_stacks_of_marks_are_cut() -> None:
    """A letter carries as many marks as languages need, not a column of them."""
    assert len(untrusted.clean("a" + "\u0301" * 500)) < 10


def test_a_log_of_a_million_lines_is_read_from_its_end() -> None:
    """Only what is shown costs time."""
    shown = untrusted.lines(["first", *["x"] * 1_000_000, "last"], limit=2)
    assert shown == ("[… 1000000]", "x", "last")
    assert untrusted.lines(["a\n" * 100_000 + "end"], limit=2)[1:] == ("a", "end")
