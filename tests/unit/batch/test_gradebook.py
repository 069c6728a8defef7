"""From attempts, results, lateness and the instructor's word to one row a student."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.batch import overrides
from grader.batch.gradebook import Rules, make
from grader.batch.journal import Journal, Key
from grader.batch.late import LatePolicy
from grader.batch.overrides import Override
from grader.errors import UsageError
from tests.unit.batch.results import assignment, entry, result, summary

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.classroom import Row

ENTRIES = [
    entry("ana", 1), entry("ana", 2), entry("luis", late=True), entry("eva", source=""), entry("mal"), entry("no"),
]  # fmt: skip
LAST = Rules()
CONTENTS = {("ana", 1): 4, ("ana", 2): 2, ("luis", 1): 4}


@pytest.fixture
def journal(tmp_path: Path):
    with Journal(tmp_path / "j") as opened:
        opened.place(ENTRIES)
        for (student, attempt), passed in CONTENTS.items():
            name = f"{student}{attempt}"
            opened.read(entry(student, attempt), name)
            opened.write(Key(name, "r", "g"), summary(passed), {}, result(passed))
        refused = {"verdict": "blocked", "reason": "submission-refused"}
        opened.read(entry("mal"), "mal1")
        opened.write(Key("mal1", "r", "g"), summary(0, **refused), {}, result(0, **refused))
        yield opened


def rows(journal: Journal, rules: Rules = LAST, **said: Override) -> dict[str, Row]:
    return {r.entry.student: r for r in make(journal, assignment(), rules, said).rows}


def test_the_last_attempt_counts(journal: Journal) -> None:
    """That is the rule unless another one is asked for."""
    ana = rows(journal)["ana"]
    assert (ana.entry.attempt, ana.score, ana.attempts) == (2, 50, 2)
    assert ana.report == "students/ana/attempt-2/report.html"


def test_the_best_attempt_counts_where_that_is_the_rule(journal: Journal) -> None:
    """With its own report."""
    ana = rows(journal, Rules(which="best"))["ana"]
    assert (ana.entry.attempt, ana.score, ana.report) == (1, 100, "students/ana/report.html")


def test_the_best_is_found_after_what_late_costs(journal: Journal) -> None:
    """A late attempt may be worse than an earlier one in time."""
    journal.place([entry("ana", 1, late=True), entry("ana", 2)])
    ana = rows(journal, Rules(which="best", late=LatePolicy(penalty=60)))["ana"]
    assert (ana.entry.attempt, ana.score) == (2, 50)


def test_states(journal: Journal) -> None:
    """Graded, nothing handed in, refused, and not graded yet."""
    found = {name: (row.state, row.score) for name, row in rows(journal).items()}
    assert found == {
        "ana": ("final", 50), "luis": ("final", 100), "eva": ("missing", 0), "mal": ("rejected", 0),
        "no": ("provisional", 0),
    }  # fmt: skip


def test_the_instructor_has_the_last_word(journal: Journal) -> None:
    """Points, an excuse or only a comment, after lateness."""
    late = Rules(late=LatePolicy(penalty=10))
    found = rows(
        journal,
        late,
        luis=Override(points=95, comment="hablado"),
        eva=Override(excuse=True),
        mal=Override(comment="ver"),
    )
    luis = found["luis"]
    assert (luis.score, luis.state, luis.overridden, luis.comment) == (95, "final", True, "hablado")
    assert [(a.kind, a.points) for a in luis.adjustments] == [("late", -10), ("override", 5)]
    assert found["eva"].state == "excused"
    assert (found["mal"].state, found["mal"].comment, found["mal"].score) == ("rejected", "ver", 0)


def test_identical_submissions_are_alike_and_nothing_more(journal: Journal) -> None:
    """It is a hint, and changes no grade."""
    journal.read(entry("ana", 2), "luis1")
    book = make(journal, assignment(), Rules(), {})
    assert [(a.students, a.share) for a in book.similar] == [(("ana", "luis"), 1.0)]
    assert {r.entry.student: r.state for r in book.rows}["ana"] == "final"


def test_overrides_are_read_as_they_are_written(tmp_path: Path) -> None:
    """Points, excuses and comments."""
    file = tmp_path / "overrides.yaml"
    file.write_text("ana: {points: 7.5, comment: 'sí: ñ'}\nluis:\n  excuse: true\n", "utf-8")
    assert overrides.read(file, {"ana", "luis"}) == {
        "ana": Override(points=7.5, comment="sí: ñ"),
        "luis": Override(excuse=True),
    }
    assert overrides.read(tmp_path / "none.yaml", set()) == {}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("ana:\n  points: -1\n", 2, "points"),
        ("ana:\n  points: .nan\n", 2, "points"),
        ("ana:\n  points: true\n", 2, "points"),
        ("ana:\n  puntos: 1\n", 2, "puntos"),
        ("ana:\n  excuse: perhaps\n", 2, "excuse"),
        ("\nanna:\n  points: 1\n", 2, "ana"),
        ("ana: {points: 1}\nana: {points: 2}\n", 2, "twice"),
        ("ana: 90\n", 1, "student"),
        ("- ana\n", 1, "student"),
    ],
)
def test_a_wrong_override_is_refused_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    """Nobody's grade is changed by a guess."""
    file = tmp_path / "overrides.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError) as refused:
        overrides.read(file, {"ana", "luis"})
    said = refused.value.message.params
    assert said["line"] == line
    assert what in str(said["what"])


def test_overrides_that_are_no_yaml_are_refused(tmp_path: Path) -> None:
    """The file is named."""
    file = tmp_path / "overrides.yaml"
    file.write_text("ana: [", "utf-8")
    with pytest.raises(UsageError):
        overrides.read(file, {"ana"})
