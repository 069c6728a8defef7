"""What `grader verify` takes for proof, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.model.text import Bilingual
from grader.verify.judging import Row, flaky, problems_of
from grader.verify.subjects import Subject

REFERENCE = Subject(name="node", reference=Path())
MUTANT = Subject(
    name="auto-ack",
    reference=Path(),
    kills={"ack": ("acked-before-work",)},
    allowed={"prefetch": "without acknowledgements nothing bounds what a worker is sent"},
    mistake=Bilingual(es="", en=""),
)
PASSED = ("passed", "")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"ack": PASSED}, None),
        ({"ack": ("failed", "x")}, "must pass"),
        ({"ack": ("blocked", "")}, "must pass"),
        ({"ack": ("error", "grader-error")}, "itself failed"),
    ],
)
def test_a_reference_passes_everything(cells: dict[str, tuple[str, str]], words: str | None) -> None:
    """A reference that loses anything is a problem."""
    found = problems_of(REFERENCE, cells)
    assert (words in found[0]) if words else found == ()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"ack": ("failed", "acked-before-work")}, None),
        ({"ack": ("failed", "acked-before-work"), "prefetch": ("failed", "prefetch-missing")}, None),
        ({"ack": ("failed", "acked-before-work"), "later": ("blocked", "")}, None),
        ({"ack": PASSED}, "survived"),
        ({"ack": ("blocked", "")}, "survived"),
        ({}, "survived"),
        ({"ack": ("failed", "no-answer")}, "expected acked-before-work"),
        ({"ack": ("failed", "acked-before-work"), "other": ("failed", "y")}, "does not allow"),
        ({"ack": ("error", "grader-error")}, "itself failed"),
    ],
)
def test_a_mutant_fails_for_its_own_reason(cells: dict[str, tuple[str, str]], words: str | None) -> None:
    """Survival, a wrong reason and collateral failures are problems."""
    found = problems_of(MUTANT, cells)
    assert (words in found[0]) if words else found == ()


def row(verdict: str, repeat: int) -> Row:
    return Row(subject="node", mutant=False, repeat=repeat, cells={"ack": (verdict, "")}, problems=(), seconds=1)


def test_repeats_that_differ_are_flakes() -> None:
    """The same subject must give the same cells every time."""
    assert flaky([row("passed", 1), row("passed", 2)]) == ()
    assert flaky([row("passed", 1), row("failed", 2)]) == ("node/ack: failed, passed",)
