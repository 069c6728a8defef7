"""What happens to a group of consumers once, and several checks judge: it is recorded here, and not judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from grader.authoring.conditions import holds
from grader.brokers.kafka.events import Effect, EventSubject, KeyedEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RETURNED_S = 20.0
ALL_S = 60.0
STANDS_S = 5.0  # for what is known to stand still


@dataclass
class MemberDeath:
    """A member was killed with events on their way, and started again when the others had its partitions.

    after: what was sent while it was dead; not_taken: what of it had no effect in time. returned: it worked again.
    lost: those of the events on their way that had no effect then.
    """

    killed: str
    after: list[KeyedEvent]
    not_taken: list[KeyedEvent]
    lost: list[KeyedEvent]
    returned: bool

    @classmethod
    def of(cls, group: EventSubject[Any], killed: str, on_their_way: Sequence[KeyedEvent]) -> MemberDeath:
        """SIGKILL of a member (a container)."""
        group.disturbed()
        with group.faults.killed(killed):
            after = group.send("after", 2)
            not_taken = group.undone(after, group.terms.takeover_s + group.slack_s)
            # Started while the group still counts on the dead one, it would hold everything up once more.
            if not not_taken:
                group.wait_settled(group.members() - 1, but=killed)
        group.wait_settled(group.members())
        back = holds(lambda: killed in group.owners("returned", RETURNED_S).values())
        returned = not group.wait(back, group.terms.takeover_s)
        lost = group.undone(on_their_way, ALL_S if returned else STANDS_S)
        group.dirty(not_taken or lost or not returned)
        return cls(killed, after, not_taken, lost, returned)


@dataclass
class Replay(Generic[Effect]):
    """The group was emptied and forgotten, and began again, with new events already there.

    missed: those of them that had no effect then. stuck: those that had none either when the group was set to the
    beginning by us; whatever keeps them back, it is not where the group begins. lag: what is not committed afterwards.
    """

    before_group: list[KeyedEvent]
    missed: list[KeyedEvent]
    stuck: list[KeyedEvent]
    lag: int
    before: Mapping[str, Effect]
    after: Mapping[str, Effect]

    @property
    def changed(self) -> list[str]:
        """The ids whose effect is another one since, or none."""
        return [i for i, effect in self.before.items() if self.after.get(i) != effect]

    @classmethod
    def of(cls, group: EventSubject[Effect], *, touch: Callable[[], object], not_empty: str) -> Replay[Effect]:
        """Stop all members, forget the group, send events, start: everything is read for a second time.

        touch: changes the effects that are there, so that a repeat that writes is told from one that leaves things as
        they are. not_empty: the reason of a group that has members when all have ended; its words may name `names`.
        """
        group.working()
        # A check that failed just now has left the topic empty: something must be there to be read again.
        group.demand(group.send("done", 4), ALL_S)
        if not group.stop_all():
            group.dirty()
            group.fail(not_empty, names=group.containers())
        touch()
        before = group.effects()
        group.kafka.forget(group.group)
        if group.failed(group.repeats):
            # Whoever cannot pass a repeat would never get to the new events; where a group begins can be seen without.
            group.kafka.empty(group.topic)
        early = group.send("early", 2)
        group.faults.start(group.service)
        missed = group.undone(early, group.terms.recovery_s)
        stuck = _from_the_beginning(group, early) if missed else []
        lag = group.lag(STANDS_S if stuck else None)
        replay = cls(early, missed, stuck, lag, before, group.effects())
        group.dirty(missed or replay.changed or lag)
        return replay


def _from_the_beginning(group: EventSubject[Any], events: list[KeyedEvent]) -> list[KeyedEvent]:
    """Set the group to the beginning of the topic ourselves; return the events that have no effect then either.

    It tells a group that begins elsewhere by its own setting from one that stands still in the middle.
    """
    if not group.stop_all():
        return events
    group.kafka.reset(group.group, group.topic)
    group.faults.start(group.service)
    return group.undone(events, group.terms.recovery_s)
