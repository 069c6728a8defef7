"""A sampler of a consumer group: its states, and which container holds which partitions, into the History."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from grader.brokers.kafka.probe import KAFKA_ERRORS
from grader.errors import GraderError

if TYPE_CHECKING:
    from grader.brokers.kafka.probe import Kafka
    from grader.model.streams import GroupState
    from grader.probes.recorder import Recorder

EVERY_S = 0.25
AGAIN_S = 1.0


class GroupWatch:
    """Looks at a group four times a second from a thread of its own until `close`; only changes are recorded.

    It notes events of source "kafka": "group" (data: group, state, members) and, per container whose partitions of the
    topic have changed, "assigned" (actor: the container; data: partitions, as numbers). A sample sees late what
    happened, and what lasted less than a sample perhaps not at all: it is evidence, not something to judge by.
    """

    def __init__(self, kafka: Kafka, recorder: Recorder, group: str, topic: str) -> None:
        self._kafka = kafka
        self._recorder = recorder
        self._group = group
        self._topic = topic
        self._shown: tuple[str, int] = ("", -1)
        self._held: dict[str, tuple[int, ...]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="group-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join(AGAIN_S * 3)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with self._kafka.session() as look:
                    while not self._over.wait(EVERY_S):
                        self._note(look(self._group))
            except (*KAFKA_ERRORS, GraderError):  # the broker is away, or the engine did not list its containers
                self._over.wait(AGAIN_S)

    def _note(self, state: GroupState) -> None:
        shown = (state.state, len(state.members))
        if shown != self._shown:
            self._shown = shown
            self._recorder.note("kafka", "group", group=self._group, state=state.state, members=len(state.members))
        held: dict[str, tuple[int, ...]] = {}
        for member in state.members:
            actor = member.actor or member.client_id
            held[actor] = tuple(sorted({*held.get(actor, ()), *member.of(self._topic)}))
        for actor in sorted({*held, *self._held}):
            mine = held.get(actor, ())
            if mine != self._held.get(actor, ()):
                partitions = ", ".join(map(str, mine)) or "-"
                self._recorder.note("kafka", "assigned", actor=actor, group=self._group, partitions=partitions)
        self._held = held
