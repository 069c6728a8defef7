"""Events of a group without a broker: what is made, what counts as done, who has a partition, how it fails."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader import CheckFailure, EventSubject, GroupTerms
from grader.authoring.ids import Ids
from grader.brokers.kafka.scenarios import Replay
from grader.brokers.reasons import reasons_for
from grader.errors import BlockedError
from grader.model.assignment import Limits
from grader.model.streams import GroupState, Member
from grader.probes.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from grader import KeyedEvent
    from grader.model.reasons import Reason

TERMS = GroupTerms(topic="t", group="g", takeover_s=1, recovery_s=1, lag_s=1, stop_within_s=1)
REASONS = """
not-done:
  title: {es: "Título", en: "Title"}
  why: {es: "Por qué", en: "Why"}
  hint: {es: "Pista", en: "Hint"}
  expected: {es: "%(total)s en %(within)s s", en: "%(total)s within %(within)s s"}
  observed: {es: "faltan %(n)s: %(ids)s", en: "missing %(n)s: %(ids)s"}
"""


class Environment:
    """A checks' environment without containers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorder = Recorder(lambda: 1.0)
        self.ids = Ids("g0000")
        self.faults = None
        self.failed: set[str] = set()
        self.assignment = SimpleNamespace(limits=Limits())

    def probe(self, role: str) -> None:
        """Nobody speaks with a broker here."""

    def observe(self, name: str, *arguments: object) -> None:
        """Nobody watches."""

    def reasons(self) -> Mapping[str, Reason]:
        return reasons_for(self.folder)


class MissingError(Exception):
    """There is no place for effects yet."""


class Letters(EventSubject[str]):
    """A group of three partitions that does what is not held back, each partition by a container of its own."""

    undone_code = "not-done"
    repeats = "repeats"
    not_yet = (MissingError,)

    def __init__(self, environment: Any) -> None:
        super().__init__(environment, TERMS, service="worker", size=3)
        self.known = 3
        self.held: set[int] = set()
        self.progressed: dict[int, int] = {}
        self.members_now: list[Member] = []
        self.found: dict[str, str] = {}
        self.there = True

    def fields(self, event_id: str, key: str, number: int) -> dict[str, Any]:
        return {"id": event_id, "user": key, "n": number, "ms": 0}

    def effects(self) -> dict[str, str]:
        if not self.there:
            raise MissingError
        return dict(self.found)

    def worker(self, effect: str) -> str | None:
        return effect or None

    def produce(self, events: list[KeyedEvent]) -> list[KeyedEvent]:
        for event in events:
            event.offset = len(self.sent)
            self.sent[event.id] = event
            if event.partition not in self.held:
                self.found[event.id] = f"worker-{event.partition + 1}"
        return events

    def committed(self) -> dict[int, int]:
        return self.progressed

    def state(self) -> GroupState:
        return GroupState("Stable", "classic", tuple(self.members_now))


@pytest.fixture
def letters(tmp_path: Path) -> Letters:
    (tmp_path / "reasons.yaml").write_text(REASONS, "utf-8")
    return Letters(Environment(tmp_path))


def test_an_event_has_the_contracts_fields_and_its_key(letters: Letters) -> None:
    """Those of one call share a key and a partition; a record may differ in some fields, and the event does not."""
    first, second = letters.events("word", 2, 1, ms=5)
    assert first.key == second.key
    assert first.fields == {"id": first.id, "user": first.key, "n": 1, "ms": 5}
    assert second.fields["n"] == 2
    record = first.record(n=9)
    assert (record.key, record.partition) == (first.key.encode(), 1)
    assert json.loads(record.value or b"") == {"id": first.id, "user": first.key, "n": 9, "ms": 5}
    assert first.fields["n"] == 1


def test_events_everywhere_come_step_by_step(letters: Letters) -> None:
    """Each partition has a key of its own, and the first events of all keys precede the second ones."""
    events = letters.everywhere("word", 2)
    assert [(e.partition, e.fields["n"]) for e in events] == [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2)]
    assert len({e.key for e in events}) == 3


def test_what_has_no_effect_at_the_deadline_is_undone(letters: Letters) -> None:
    """That there is no place for effects yet is no error before the deadline."""
    letters.held = {2}
    events = letters.send("word")
    assert letters.undone(events, 0.0) == [events[2]]
    letters.there = False
    with pytest.raises(MissingError):
        letters.undone(events, 0.0)


def test_demand_fails_in_the_assignments_words(letters: Letters) -> None:
    """Where each lies, how many there were, and the committed offsets beside the first ones."""
    letters.held, letters.progressed = {1, 2}, {1: 4}
    events = letters.send("word", 2)
    with pytest.raises(CheckFailure) as caught:
        letters.demand(events, 0.0)
    lines = [f"{e.id} (t-{e.partition}, offset {e.offset})" for e in events if e.partition]
    assert caught.value.code == "not-done"
    assert caught.value.expected.params == {"total": 6, "within": 0}
    assert caught.value.observed.params == {"n": 4, "ids": ", ".join(lines)}
    assert caught.value.evidence[0].lines == ("t-1: 4  1", "t-2: -  2")


def test_what_waits_behind_a_repeat_is_for_the_check_of_repeats(letters: Letters) -> None:
    """Where that one did not pass, and each of the partitions concerned stands at an event that is done."""
    letters.send("word")
    letters.held = {0, 1}
    events = letters.send("behind")
    letters.progressed = {0: 0, 1: 1}
    with pytest.raises(CheckFailure):
        letters.demand(events, 0.0)
    letters.environment.failed.add("repeats")
    with pytest.raises(BlockedError):
        letters.demand(events, 0.0)
    letters.progressed = {0: 0, 1: events[1].offset}
    with pytest.raises(CheckFailure):
        letters.demand(events, 0.0)


def test_owners_are_who_worked_the_markers(letters: Letters) -> None:
    """A partition whose marker shows nobody has none; where nobody shows at all it is the first container."""
    letters.held = {0}
    assert letters.owners("word", 0.0) == {1: "worker-2", 2: "worker-3"}
    assert letters.owner("word", 0.0) == (1, "worker-2")
    assert letters.owner("word", 0.0, last=True) == (2, "worker-3")
    letters.held = {0, 1, 2}
    assert letters.owner("word", 0.0) == (0, "worker-1")


def test_a_member_has_left_when_the_group_counts_no_longer_on_those_it_had(letters: Letters) -> None:
    """A new member of the same container is another one."""
    letters.members_now = [Member("a", "client", "worker-1"), Member("b", "client", "worker-2")]
    left = letters.left("worker-1")
    assert letters.wait(left, 0.0) == {"worker-1"}
    letters.members_now = [Member("c", "client", "worker-1"), Member("b", "client", "worker-2")]
    assert letters.wait(left, 0.0) == set()


def test_an_effect_that_nobody_asked_for_is_told(letters: Letters) -> None:
    """An event that was made counts as asked for, also if it was spoiled before it was sent."""
    (spoiled,) = letters.events("half", 1, 0)
    sent = letters.send("word")
    assert letters.unasked([*letters.effects(), spoiled.id]) == []
    assert letters.unasked([sent[0].id, "g0000-word-9-copy"]) == ["g0000-word-9-copy"]


def test_a_replay_shows_what_it_changed() -> None:
    """Other effects and lost ones; new ones change nothing."""
    replay = Replay([], [], [], 0, {"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"})
    assert replay.changed == ["b", "c"]
