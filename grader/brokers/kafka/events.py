"""Events of ours on a group's topic, each with its key and place, and the effects that the group gives them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from grader.authoring.verdicts import blocked
from grader.brokers.kafka.subject import SETTLED_S, GroupSubject
from grader.model.streams import Record
from grader.polling import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from grader.authoring.conditions import Condition
    from grader.authoring.environment import Environment
    from grader.brokers.kafka.subject import GroupTerms

Effect = TypeVar("Effect")
MARKER_S = 12.0
REJOINED_S = 20.0


@dataclass
class KeyedEvent:
    """An event of ours: its fields as the contract has them; where the broker put it is known once it is produced."""

    id: str
    key: str
    partition: int
    fields: dict[str, Any]
    offset: int = -1

    def record(self, **other: Any) -> Record:
        """Return the record that carries it, or one with other values in some fields."""
        return Record(self.key.encode(), json.dumps({**self.fields, **other}).encode(), self.partition)


class EventSubject(GroupSubject, ABC, Generic[Effect]):
    """A group that gives each event an effect; the assignment says what an event is, and where its effect shows.

    undone_code: why a check fails where an event has no effect. repeats: the check that judges events which come again.
    not_yet: exceptions of `effects` that mean that nothing is there yet.
    """

    undone_code: ClassVar[str]
    repeats: ClassVar[str] = ""
    not_yet: ClassVar[tuple[type[Exception], ...]] = ()

    def __init__(self, environment: Environment, terms: GroupTerms, *, service: str, size: int) -> None:
        super().__init__(environment, terms, service=service, size=size)
        self.sent: dict[str, KeyedEvent] = {}
        self.made: set[str] = set()  # the ids of all events, also of those that were spoiled before they were sent

    @abstractmethod
    def fields(self, event_id: str, key: str, number: int) -> dict[str, Any]:
        """Return an event as the contract has it; number: its place among those of its key, from 1."""

    @abstractmethod
    def effects(self) -> Mapping[str, Effect]:
        """Return the effects of our events by the events' ids."""

    @abstractmethod
    def worker(self, effect: Effect) -> str | None:
        """Return the container that an effect comes from; None where it does not say so."""

    # -- sending

    def events(self, word: str, count: int, partition: int, **fields: Any) -> list[KeyedEvent]:
        """Make `count` events of one new key, which lives in one partition; fields: what they have besides."""
        key = self.ids.new(f"{word}-user")
        ids = self.ids.several(word, count)
        self.made.update(ids)
        return [KeyedEvent(i, key, partition, {**self.fields(i, key, n), **fields}) for n, i in enumerate(ids, 1)]

    def everywhere(self, word: str, count: int = 1, **fields: Any) -> list[KeyedEvent]:
        """Make `count` events of one new key for each partition, the first ones first."""
        keys = [self.events(word, count, p, **fields) for p in range(self.known)]
        return [event for events in zip(*keys, strict=True) for event in events]

    def produce(self, events: list[KeyedEvent]) -> list[KeyedEvent]:
        """Produce in this order, and return them; all are stored then."""
        placed = self.kafka.produce(self.topic, *(e.record() for e in events))
        for event, place in zip(events, placed, strict=True):
            event.offset = place.offset
            self.sent[event.id] = event
        return events

    def send(self, word: str, count: int = 1, **fields: Any) -> list[KeyedEvent]:
        """Produce `count` events of one new key in each partition."""
        return self.produce(self.everywhere(word, count, **fields))

    def send_malformed(self, word: str, *bodies: bytes | None) -> None:
        """Produce all bodies in each partition, under a new key."""
        key = self.ids.new(word).encode()
        self.kafka.produce(self.topic, *(Record(key, body, p) for p in range(self.partitions()) for body in bodies))

    # -- effects

    def done(self, events: Iterable[KeyedEvent]) -> Condition:
        """Each of the events has its effect."""
        wanted = {event.id for event in events}
        return lambda _history: wanted - self.effects().keys()

    def undone(self, events: Iterable[KeyedEvent], within: float) -> list[KeyedEvent]:
        """Wait until all have their effect; return those that have none at the deadline."""
        missing = self.wait(self.done(events), within, every=0.2, retry_on=self.not_yet)
        return [event for event in events if event.id in missing]

    def demand(self, events: Sequence[KeyedEvent], within: float, otherwise: str = "") -> None:
        """Fail with the reason `otherwise` unless all of them get their effect."""
        self.none_missing(self.undone(events, within), len(events), within, otherwise)

    def none_missing(self, missing: Sequence[KeyedEvent], total: int, within: float, otherwise: str = "") -> None:
        """Fail for events that have no effect; where it is a repeat that they wait behind, the check for repeats has.

        The reason's words may name `ids`, `n`, `total` and `within`.
        """
        if not missing:
            return
        if self.failed(self.repeats) and self._behind_repeats(missing):
            blocked(self.repeats)
        lines = [f"{e.id} ({self.topic}-{e.partition}, offset {e.offset})" for e in missing]
        progress = self.progress((e.partition, e.offset) for e in missing)
        self.forbid(lines, progress, otherwise=otherwise or self.undone_code, total=total, within=int(within))

    def _behind_repeats(self, missing: Sequence[KeyedEvent]) -> bool:
        """Say whether each partition with a missing event stands at an event that has its effect already.

        After a kill, a stop or a time without the broker what was done and not committed comes again: whoever cannot
        pass a repeat stands still there, whatever the fault was.
        """
        committed = self.committed()
        try:
            effects = self.effects()
        except self.not_yet:
            return False
        done = {(e.partition, e.offset) for e in self.sent.values() if e.id in effects}
        return all((e.partition, committed.get(e.partition, -1)) in done for e in missing)

    def unasked(self, effects: Iterable[str]) -> list[str]:
        """Return those of these ids, which carry the run's nonce, that no event of ours ever had."""
        return sorted(set(effects) - self.made)

    # -- who works

    def owners(self, word: str, within: float) -> dict[int, str]:
        """Send a marker to each partition; return partition -> the container that worked it, as far as they say so."""
        markers = self.send(word)
        self.undone(markers, within)
        effects = self.effects()
        found = {m.partition: self.worker(effects[m.id]) for m in markers if m.id in effects}
        return {partition: name for partition, name in found.items() if name}

    def owner(self, word: str, within: float, *, last: bool = False) -> tuple[int, str]:
        """Return the first (or last) partition of `owners` and who has it; the first container where none shows."""
        shown = sorted(self.owners(word, within).items()) or [(0, f"{self.service}-1")]
        return shown[-1 if last else 0]

    # -- state between checks

    def prove(self) -> None:
        """Fail unless the group is settled, and every partition is worked."""
        within = self.patience(self.terms.recovery_s)
        self.wait_topic()
        # Members that are still to come would take partitions away from those that have them.
        deadline = Deadline(within)
        self.wait_settled(self.members(), min(SETTLED_S, within))
        # A consumer that starts at the end of the topic may miss the first ones: that is for another check to judge.
        while missing := self.undone(self.send("ready"), min(MARKER_S, max(5.0, deadline.left()))):
            if deadline.passed() or self.environment.gone_for_good(self.service):
                self.none_missing(missing, self.known, within)

    def judge_recovered(self, waiting: Sequence[KeyedEvent], *, undone: str, members: str) -> None:
        """Judge the time after a broker was away: what waits gets its effect, and so do new events, with all members.

        undone, members: the reasons; the words of the second may name `wanted`, `within` and `names`.
        """
        began, within = self.now(), self.terms.recovery_s
        self.wait_topic_again()
        self.demand([*waiting, *self.send("recovered")], within, undone)
        wanted, left = self.members(), began + within - self.now()
        if not self.wait_settled(wanted, max(REJOINED_S, left)):
            self.fail(members, wanted=wanted, within=int(within), names=self.containers())
