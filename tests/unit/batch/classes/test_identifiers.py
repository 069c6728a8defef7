from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.batch.classes.identifiers import CHARACTERS, Identifiers, slug
from grader.intake import names

NAMES = st.text(max_size=200) | st.sampled_from(
    ["..", ".", "", "CON", "nul.txt", "a" * 300, "é" * 90, "../x", "Ana", "ANA"]
)


@given(st.lists(NAMES, max_size=30))
def test_identifiers_are_safe_file_names_and_each_once(found: list[str]) -> None:
    """On every file system, whatever the names were."""
    identifiers = Identifiers()
    given_out = [identifiers.give(name) for name in found]
    assert len({names.key((g,)) for g in given_out}) == len(found)
    for identifier in given_out:
        assert 1 <= len(identifier) <= CHARACTERS
        assert len(identifier.encode()) <= 255
        assert identifier == unicodedata.normalize("NFC", identifier)
        assert not identifier.startswith((".", "-"))
        assert not identifier.endswith(".")
        assert all(c in "._-" or unicodedata.category(c)[0] in "LMN" for c in identifier)
        assert not names.odd(identifier)


@given(NAMES)
def test_an_identifier_stays_what_it_is(name: str) -> None:
    """Made again, it is the same."""
    assert slug(slug(name)) == slug(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ana López", "Ana-López"),
        ("Ana Lo\u0301pez", "Ana-López"),
        ("../../etc/passwd", "etc-passwd"),
        ("/abs", "abs"),
        ("C:\\x", "C-x"),
        ("\x1b[31mred\x1b[0m", "31mred-0m"),
        ("gnp\u202eexe", "gnp-exe"),
        ("..", "student"),
        ("con", "student-con"),
        ("lpt1.zip", "student-lpt1.zip"),
        ("אבג", "אבג"),
    ],
)
def test_an_identifier_reads_like_the_name(name: str, expected: str) -> None:
    """Accents and letters of other scripts stay."""
    assert slug(name) == expected


def test_the_same_name_again_gets_a_number() -> None:
    """One that nobody has yet."""
    identifiers = Identifiers()
    assert [identifiers.give(name) for name in ("ana", "ANA", "ana-2", "ana")] == ["ana", "ANA-2", "ana-2-2", "ana-3"]
