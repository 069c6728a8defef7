"""Edits: each finds its place exactly once, and what is computed between two texts makes the one of the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.verify.edits import Edit, NotOnceError, OverlapError, apply, between

TEXT = """start()
if (ready) {
    one()

    two(1)
}
if (late) {
    two(2)
}
"""
LINES = st.lists(st.sampled_from(["", "a", "  a", "  b", "\tb", "}", "  }", " ", "a b\r"]), max_size=9)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("two(1)", "two(3)", "    two(3)"),
        ("one()\n\ntwo(1)\n", "one()\ntwo(1)\n", "    one()"),
        ("if (late) {\n    two(2)\n}\n", "two(2)", "two(2)"),
        ("start()\n", "start()\nagain()\n", "again()"),
        ("one()\n", "if (on) {\n  one()\n}\n", "      one()"),
    ],
)
def test_an_edit_changes_its_place(old: str, new: str, line: str) -> None:
    """A piece of a line as it is written; whole lines at the depth that they stand at."""
    changed = apply(TEXT, [Edit(old, new)])
    assert line in changed.split("\n")
    assert changed != TEXT


def test_whole_lines_go_with_their_ends() -> None:
    """Nothing instead of a line leaves no empty one, at the end of a file without a last line break neither."""
    assert apply(TEXT, [Edit("one()\n", ""), Edit("start()\n", "")]) == TEXT.replace("    one()\n", "")[8:]
    assert apply("a\n  b", [Edit("b\n", "c\n")]) == "a\n  c"


@pytest.mark.parametrize(("old", "times"), [("three", 0), ("two(", 2), ("}\n", 2), ("one()\ntwo(1)\n", 0), ("o\n", 0)])
def test_what_is_not_there_once_is_refused(old: str, times: int) -> None:
    """Never, or several times: nobody can say what was meant."""
    with pytest.raises(NotOnceError) as caught:
        apply(TEXT, [Edit("start()", "begin()"), Edit(old, "x")])
    assert (caught.value.edit.old, caught.value.times) == (old, times)


def test_places_that_overlap_themselves_are_counted() -> None:
    """Of three equal lines in a row, two are there twice."""
    with pytest.raises(NotOnceError) as caught:
        apply("a\na\na\n", [Edit("a\na\n", "")])
    assert caught.value.times == 2


def test_two_edits_of_one_place_are_refused() -> None:
    """They would depend on their order."""
    with pytest.raises(OverlapError) as caught:
        apply(TEXT, [Edit("two(1)\n", "x", 4), Edit("    two(1)", "y", 3)])
    assert {caught.value.edit.line, caught.value.other.line} == {3, 4}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (TEXT, TEXT.replace("one()", "uno()"), [("one()", "uno()")]),
        (TEXT, TEXT.replace("    two(2)\n", ""), [("two(2)\n", "")]),
        (TEXT, TEXT.replace("start()", "start()\nagain()"), [("start()\n", "start()\nagain()\n")]),
        ("a\n  b\n}\nc\n  b\n}\n", "a\n  b\n}\nc\n  d\n}\n", [("c\n  b\n", "c\n  d\n")]),
    ],
)
def test_edits_are_short(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    """One line is a piece; lines around a place are taken only as far as it is not the only one without them."""
    assert [(e.old, e.new) for e in between(old, new)] == expected


def test_a_break_at_the_end_alone_is_no_edit() -> None:
    """Such a file is stored whole."""
    with pytest.raises(ValueError, match="b"):
        between("a\nb\n", "a\nb")


@given(LINES, LINES)
def test_edits_make_one_text_of_the_other(before: list[str], after: list[str]) -> None:
    """Whatever the texts are, what is computed either does so or is refused."""
    old, new = "\n".join(before) + "\n", "\n".join(after) + "\n"
    try:
        found = between(old, new)
    except ValueError:  # nothing to hold on to
        assert not old.strip()
        return
    assert apply(old, found) == new
