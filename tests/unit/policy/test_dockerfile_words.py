"""Words as the builder reads them: a table of its behaviours, and what no input may do."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.words import MAX_EXPANDED, expand, join, json_words, pairs, split

VARIABLES: dict[str, str | None] = {"A": "a", "EMPTY": "", "HIDDEN": None}
TABLE = [
    ("$A", "a", True), ("${A}", "a", True), ("$Ab", "", False), ("${A}b", "ab", True), ("x$A/y", "xa/y", True),
    ("'$A'", "$A", True), ('"$A"', "a", True), ("\\$A", "$A", True), ('"\\$A"', "$A", True), ('"\\n"', "\\n", True),
    ("\\n", "n", True), ("a\\", "a", True), ("${X:-y}", "y", True), ("${X-y}", "y", True), ("${EMPTY:-y}", "y", True),
    ("${EMPTY-y}", "", True), ("${A:+y}", "y", True), ("${EMPTY:+y}", "", True), ("${EMPTY+y}", "y", True),
    ("${X+y}", "", True), ("${X:-${A}b}", "ab", True), ("${X:-'}'}", "}", True), ("${A:?no}", "a", True),
    ("${X:?no}", "", False), ("$HIDDEN", "", False), ("${HIDDEN:-y}", "y", False), ("$", "$", True),
    ("$$", "$$", False),
    ("$1", "$1", False), ("${A#a}", "", False), ("${A//a/b}", "", False), ("${A", "", False), ("${}", "", False),
    ("'open", "", False), ('"open', "", False), ("a''b\"c\"", "abc", True), ("é$A", "éa", True), ("$Aé", "", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "read", "known"), TABLE)
def test_a_word_is_read_as_the_builder_reads_it(text: str, read: str, known: bool) -> None:
    """Quotes, escapes and variables, or that it is not known."""
    found = expand(text, VARIABLES)
    assert found[1] is known
    if known:
        assert found[0] == read


def test_the_escape_character_is_the_directives() -> None:
    """A backslash is text then."""
    assert expand("C:\\x`$A", VARIABLES, "`") == ("C:\\x$A", True)


def test_assignments_keep_their_quotes_until_they_are_read() -> None:
    """Both forms of ENV, and an open quote is none."""
    assert pairs("A=1 B=\"x y\" C='$z' D=a\\ b") == [("A", "1"), ("B", '"x y"'), ("C", "'$z'"), ("D", "a\\ b")]
    assert pairs("A some value") == [("A", "some value")]
    assert pairs("A='open") is None


@given(st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_joined_words_are_the_same_words(words: list[str]) -> None:
    """What we write is split into what we had."""
    written = join(words)
    assert "<<" not in written
    assert (json_words(written) or written.split(" ")) == words


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet="${}:-+AX'\"\\ab`#%/?", max_size=300))
def test_no_word_raises_or_grows_without_end(text: str) -> None:
    """Whatever it refers to."""
    read, _ = expand(text, {"A": "a" * 5000, "X": None})
    assert len(read) <= 50 * MAX_EXPANDED
    split(text)


BAITS = [
    "$" * 61000, "${a:-" * 12000, "\\\n" * 30000, "RUN <<A\n" * 7600, "<<A " * 15000, "FROM a\n" * 8000,
    "#a=b\n" * 12000,
    "RUN --a=b " * 6000, '"' * 61000, "[" * 61000, "ENV A=$A$A\n" * 5000, "COPY " + "a " * 30000, "\\ " * 30000,
    "FROM a AS b\n" + "COPY --from=b a b\n" * 3000, "FROM a\nRUN " + " " * 60000 + "x",
]  # fmt: skip


@pytest.mark.parametrize("bait", BAITS, ids=range(len(BAITS)))
def test_a_bait_costs_no_time(bait: str) -> None:
    """Texts that make regular expressions slow."""
    began = time.monotonic()
    for start in ("", "FROM a\nRUN ", "# escape=`\n"):
        try:
            df.parse((start + bait).encode()[: df.MAX_BYTES])
        except df.DockerfileError as error:
            assert error.code  # noqa: PT017 - both ways are right
        expand(bait, {"A": "a" * 1000})
    assert time.monotonic() - began < 3


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    """Any bytes at all."""
    try:
        df.parse(data)
    except df.DockerfileError as error:
        assert error.code  # noqa: PT017 - both ways are right
