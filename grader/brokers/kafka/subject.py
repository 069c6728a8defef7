"""A submission that reads a topic of Kafka as a consumer group: the topic, the members, what they have committed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from grader.authoring.conditions import holds
from grader.authoring.contract import Contract
from grader.authoring.subject import Subject
from grader.brokers.kafka import BROKER
from grader.brokers.kafka.probe import KAFKA_ERRORS
from grader.model.outcome import Evidence
from grader.model.streams import GroupState
from grader.model.text import msg
from grader.oracles import group as oracle
from grader.polling import pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.authoring.conditions import Condition
    from grader.authoring.environment import Environment
    from grader.brokers.kafka.probe import Kafka

SETTLED_S = 40.0
EMPTY_S = 75.0
BROKER_S = 60.0
GONE = {"Empty", "Dead"}


class GroupTerms(Contract, frozen=True):
    """What a contract fixes of a consumer group: its topic, its name, and its bounds in seconds.

    takeover_s: from the death of a member to the first effect on its partitions. recovery_s: after a broker or database
    answers again. lag_s: from the last effect to its commit. stop_within_s: from SIGTERM until a member is gone.
    """

    topic: str
    group: str
    takeover_s: float
    recovery_s: float
    lag_s: float
    stop_within_s: float


class GroupSubject(Subject):
    """A subject with a watched group: one topic, one group, the service whose containers are its members.

    size: how many members the contract demands.
    """

    slack_s = 15.0  # what a loaded machine may add to a bound of the contract

    def __init__(self, environment: Environment, terms: GroupTerms, *, service: str, size: int) -> None:
        super().__init__(environment)
        self.kafka: Kafka = environment.probe(BROKER.role)
        self.terms, self.service, self.size = terms, service, size
        self.topic, self.group = terms.topic, terms.group
        self.known = 0  # partitions, once the topic has been seen
        self._hostnames: dict[str, tuple[str, str]] = {}
        environment.observe("group_watch", self.kafka, self.group, self.topic)

    # -- the topic

    def partitions(self) -> int:
        """Return how many partitions the topic has; 0 while the broker does not answer or there is none."""
        with contextlib.suppress(*KAFKA_ERRORS):
            return self.kafka.partitions(self.topic)
        return 0

    def wait_topic(self) -> int:
        """Wait until the topic is there, as long as the contract allows; return its partitions."""
        with contextlib.suppress(*KAFKA_ERRORS):
            self.forbid(["localhost"] if self.kafka.only_localhost() else [], otherwise="broker-advertises-localhost")
        there = holds(lambda: self.partitions() or self.environment.gone_for_good(self.service))
        self.wait(there, self.patience(0), every=0.3)
        self.known = self.partitions()
        if not self.known:
            self.fail("topic-missing", topic=self.topic, within=int(self.limits.ready_s), names=self._topics())
        return self.known

    def wait_topic_again(self) -> None:
        """Wait until a broker that was away knows the topic again, with all its partitions."""
        if self.wait(holds(lambda: self.partitions() >= self.known), self.terms.recovery_s, every=0.2):
            logs = self.logs(self.kafka.service)
            self.fail("topic-missing/after-restart", *logs, topic=self.topic, names=self._topics())

    def _topics(self) -> list[str]:
        with contextlib.suppress(*KAFKA_ERRORS):
            return sorted(self.kafka.topics())
        return []

    # -- the members

    def members(self) -> int:
        """Return how many containers of the group's service there are, at most what the contract demands."""
        return self.replicas(self.service, self.size)

    def state(self) -> GroupState:
        """Return how the group stands; a state "" while the broker does not answer."""
        with contextlib.suppress(*KAFKA_ERRORS):
            return self.kafka.group(self.group)
        return GroupState("")

    def containers(self) -> list[str]:
        """Return the containers whose members are in the group now."""
        return sorted(oracle.holders(self.state(), self.topic))

    def assigned(self, state: GroupState | None = None) -> Evidence:
        """Return who holds which partitions, for the student."""
        state = state or self.state()
        held = sorted(oracle.holders(state, self.topic).items())
        rows = [f"{name}: {', '.join(map(str, sorted(partitions))) or '-'}" for name, partitions in held]
        title = msg("the group and its partitions, as the broker knows them")
        return Evidence(title=title, lines=(f"{self.group}: {state.state or '-'}", *rows))

    def groups(self) -> Evidence:
        """Return the names of all groups: one of another name is a common mistake."""
        names: tuple[str, ...] = ()
        with contextlib.suppress(*KAFKA_ERRORS):
            names = self.kafka.groups()
        return Evidence(title=msg("the broker's groups"), lines=names)

    def settled(self, count: int, *, but: str = "") -> Condition:
        """The group is at rest with members in `count` containers, none of them `but`, on all partitions.

        The members of a group of the new protocol cannot be seen: the checks then go by results alone. A member whose
        container has ended is nobody's: its address is.
        """

        def at_rest() -> bool:
            state = self.state()
            if state.protocol == "consumer":
                return True
            if but and any(m.actor in {but, ""} for m in state.members):
                return False
            return self.known > 0 and oracle.settled(state, self.topic, range(self.known), containers=count)

        return holds(at_rest, self.group)

    def wait_settled(self, count: int, within: float = SETTLED_S, *, but: str = "") -> bool:
        """Wait until `settled`; False at the deadline."""
        return not self.wait(self.settled(count, but=but), within, every=0.3)

    def left(self, container: str) -> Condition:
        """The group counts no longer on any of the members that a container has now."""
        mine = {m.id for m in self.state().members if m.actor == container}

        def gone() -> bool:
            state = self.state()
            return bool(state.state) and not mine & {m.id for m in state.members}

        return holds(gone, container)

    def container(self, named: str | None) -> str | None:
        """Return the container whose hostname stands in a text; None where there is not exactly one."""
        found = [name for name, host in self.hostnames().items() if named and host in named]
        return found[0] if len(found) == 1 else None

    def hostnames(self) -> dict[str, str]:
        """Return container -> hostname of the members."""
        containers = self.environment.stack.containers(self.service)
        for container in containers:
            if container.id not in self._hostnames:
                self._hostnames[container.id] = (container.name, container.hostname)
        return dict(self._hostnames[c.id] for c in containers)

    # -- what is committed

    def lag(self, within: float | None = None) -> int:
        """Wait until everything is committed; return how much is not at the deadline, which is the contract's."""
        behind = 0

        def caught_up() -> bool:
            nonlocal behind
            behind = self.kafka.lag(self.group, self.topic)
            return not behind

        self.wait(holds(caught_up), self.terms.lag_s + self.slack_s if within is None else within, every=0.3)
        return behind

    def committed(self) -> dict[int, int]:
        """Return the committed offset of each partition; none while the broker does not answer."""
        with contextlib.suppress(*KAFKA_ERRORS):
            return self.kafka.committed(self.group, self.topic)
        return {}

    def progress(self, places: Iterable[tuple[int, int]]) -> Evidence:
        """Return what is committed in the partitions of these places (partition, offset), beside the first of them."""
        first: dict[int, int] = {}
        for partition, offset in places:
            first[partition] = min(offset, first.get(partition, offset))
        committed = self.committed()
        return Evidence(
            title=msg("committed offset of each partition, and the first event without a row"),
            lines=tuple(f"{self.topic}-{p}: {committed.get(p, '-')}  {offset}" for p, offset in sorted(first.items())),
        )

    # -- the whole group

    def stop_all(self) -> bool:
        """Stop all members gracefully and wait until the group is empty; False if it does not become so."""
        self.disturbed()
        self.faults.stop(self.service, grace_s=self.terms.stop_within_s)
        empty = holds(lambda: self.kafka.group(self.group).state in GONE)
        with contextlib.suppress(*KAFKA_ERRORS):
            return not self.wait(empty, EMPTY_S, every=0.3, retry_on=KAFKA_ERRORS)
        return False

    def start_before_broker(self, late_s: float) -> None:
        """Start all members anew, and the broker so many seconds after them; wait until it answers."""
        self.stop_all()
        with self.faults.stopped(self.kafka.service, grace_s=BROKER_S):
            self.faults.start(self.service)
            pause(late_s)  # the lateness is the fault itself
        self.wait(holds(self.kafka.ready), BROKER_S, every=0.2)

    def clean(self) -> None:
        """Start all members anew behind all that was sent; it is deleted too, for the topic may be read anew."""
        with contextlib.suppress(*KAFKA_ERRORS):
            if self.stop_all():
                self.kafka.skip(self.group, self.topic)
                self.kafka.empty(self.topic)
        self.faults.start(self.service)
