"""Subject without a stack: waiting on a real record, failing in an assignment's words, the state between checks."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader import CheckFailure, DeadlineError, Subject, arrived, at_most, delivered, either, holds
from grader.authoring.ids import Ids
from grader.brokers.reasons import reasons_for
from grader.model.assignment import Limits
from grader.model.reasons import FaultyReasonsError
from grader.probes.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from grader.model.reasons import Reason

REASONS = """
not-done:
  title: {es: "Título", en: "Title"}
  why: {es: "Por qué", en: "Why"}
  hint: {es: "Pista", en: "Hint"}
  expected: {es: "hecho en %(within)s s", en: "done within %(within)s s"}
  observed: {es: "faltan %(n)s: %(ids)s", en: "missing %(n)s: %(ids)s"}
  also:
    worker:
      expected: {es: "otro", en: "another one"}
      observed: {es: "%(worker)s murió", en: "%(worker)s died"}
"""


class Environment:
    """A checks' environment without containers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorder = Recorder(lambda: 1.0)
        self.ids = Ids("g0000")
        self.faults = None
        self.dirty = False
        self.failed: set[str] = set()
        self.assignment = SimpleNamespace(limits=Limits())
        self.gone: set[str] = set()

    def gone_for_good(self, *services: str) -> bool:
        return self.gone.issuperset(services)

    def reasons(self) -> Mapping[str, Reason]:
        return reasons_for(self.folder)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "reasons.yaml").write_text(REASONS, "utf-8")
    return Environment(tmp_path)


class Counting(Subject):
    """Counts how often it was proven and cleaned."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.proofs = self.cleanings = 0

    def prove(self) -> None:
        self.proofs += 1

    def clean(self) -> None:
        self.cleanings += 1


@pytest.fixture
def subject(environment: Environment) -> Counting:
    return Counting(environment)


def test_a_condition_comes_true_while_it_is_awaited(subject: Counting) -> None:
    """What another thread records ends the wait."""
    note = threading.Timer(0.05, lambda: subject.recorder.note("amqp", "stored", subject="a", queue="results"))
    note.start()
    assert subject.wait(arrived("results", "a"), 5.0) == set()


def test_what_is_missing_at_the_deadline_is_told(subject: Counting) -> None:
    """Each of the conditions says what it lacks; `either` asks for one of them, `at_most` lets some be missing."""
    subject.recorder.note("amqp", "stored", subject="a", queue="results")
    subject.recorder.note("amqp", "delivered", subject="b", queue="tasks", actor="worker-1")
    assert subject.wait(arrived("results", "a", "b"), 0.0) == {"b"}
    assert subject.wait(delivered("tasks", "a", "b"), 0.0) == {"a"}
    assert subject.wait(either(arrived("results", "a", "b"), delivered("tasks", "a", "b")), 0.0) == set()
    assert subject.wait(at_most(1, arrived("results", "a", "b")), 0.0) == set()
    assert subject.wait(at_most(1, arrived("results", "b", "c")), 0.0) == {"b", "c"}
    assert subject.wait(holds(lambda: False, "it"), 0.0) == {"it"}


def test_expect_fails_in_the_assignments_words(subject: Counting) -> None:
    """Code, words and facts; facts that the words do not name are left out."""
    with pytest.raises(CheckFailure) as caught:
        subject.expect(arrived("results", "b", "a"), within=0.0, otherwise="not-done", more="x")
    assert caught.value.code == "not-done"
    assert caught.value.expected.params == {"within": 0}
    assert caught.value.observed.params == {"n": 2, "ids": "a, b"}


def test_other_words_stand_behind_a_slash(subject: Counting) -> None:
    """The code is the one before the slash."""
    with pytest.raises(CheckFailure) as caught:
        subject.fail("not-done/worker", worker="worker-2")
    assert (caught.value.code, caught.value.observed.params) == ("not-done", {"worker": "worker-2"})


def test_forbid_fails_for_things_alone(subject: Counting) -> None:
    """Nothing found is nothing said."""
    subject.forbid([], otherwise="not-done")
    with pytest.raises(CheckFailure) as caught:
        subject.forbid(["x"], otherwise="not-done", within=3)
    assert caught.value.observed.params == {"n": 1, "ids": "x"}


def test_a_cause_fails_with_the_same_exception(subject: Counting) -> None:
    """So that it counts for one check."""
    with pytest.raises(CheckFailure) as first:
        subject.once("api", subject.failure("not-done/worker", worker="1"))
    with pytest.raises(CheckFailure) as second:
        subject.once("api", subject.failure("not-done/worker", worker="2"))
    assert second.value is first.value


def test_rounds_end_with_the_deadline_or_with_the_last_who_could_play(
    subject: Counting, environment: Environment
) -> None:
    """One round at most where there is no time, none where nobody is left, one more while somebody is."""
    assert not list(subject.rounds(0.0, "api", "worker"))
    played = 0
    for deadline in subject.rounds(60.0, "api", "worker"):
        assert 0 < deadline.left() <= 60.0
        environment.gone.add(("api", "worker")[played])
        played += 1
    assert played == 2


def test_places_are_looked_at_until_all_show_the_same(subject: Counting) -> None:
    """What was seen last is judged, and only what differs then is told."""
    looks = iter([{"api-1": 1, "db": 2}, {"api-1": 2, "db": 2}])
    subject.expect_same(lambda: next(looks), 2, within=5.0, what="user:1", otherwise="stale-value")
    with pytest.raises(CheckFailure) as caught:
        subject.expect_same(lambda: {"api-1": 1, "db": 2}, 2, within=0.0, what="user:1", otherwise="stale-value")
    assert (caught.value.code, caught.value.observed.params) == ("stale-value", {"value": "api-1: 1"})


def test_what_comes_up_is_waited_for_in_turn(subject: Counting) -> None:
    """The first that does not come is named."""
    asked = []

    def ready(name: str, *, serves: bool = True) -> bool:
        asked.append(name)
        return serves

    subject.wait_ready(0.0, db=lambda: ready("db"), **{"api-1": lambda: ready("api-1")})
    assert asked == ["db", "api-1"]
    with pytest.raises(DeadlineError, match="redis"):
        subject.wait_ready(0.0, redis=lambda: ready("redis", serves=False), db=lambda: ready("db"))


def test_it_is_proven_once_until_disturbed_and_cleaned_when_dirty(subject: Counting, environment: Environment) -> None:
    """A reset is needed for what was left behind alone."""
    subject.working()
    subject.working()
    assert (subject.proofs, subject.cleanings) == (1, 0)
    subject.disturbed()
    subject.dirty([])
    subject.working()
    assert (subject.proofs, subject.cleanings) == (2, 0)
    subject.dirty(["left"])
    subject.working()
    assert (subject.proofs, subject.cleanings, environment.dirty) == (3, 1, False)


def test_a_faulty_file_of_reasons_is_named(tmp_path: Path) -> None:
    """A misspelled key, and a code without its texts."""
    file = tmp_path / "reasons.yaml"
    file.write_text('not-done: {titel: {es: "a", en: "b"}}', "utf-8")
    with pytest.raises(FaultyReasonsError, match="not valid"):
        reasons_for(tmp_path)
    file.write_text("not-done: {logs: [api]}", "utf-8")
    with pytest.raises(FaultyReasonsError, match="no title"):
        reasons_for(tmp_path)
