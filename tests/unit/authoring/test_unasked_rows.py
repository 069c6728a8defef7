"""kafka-consumer-group: a row that nobody asked for fails the check that sees it. The test plays the submission."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader import CheckFailure, Replay
from grader.authoring.ids import Ids
from grader.brokers.reasons import reasons_for
from grader.model.assignment import Limits
from grader.model.streams import Placed
from grader.probes.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from grader.model.reasons import Reason
    from grader.model.streams import Record

FOLDER = Path(__file__).parents[3] / "assignments" / "kafka-consumer-group"


class Environment:
    """A checks' environment with one container, and nobody to speak with."""

    def __init__(self) -> None:
        self.recorder = Recorder(lambda: 1.0)
        self.nonce = "g0000"
        self.ids = Ids(self.nonce)
        self.faults = None
        self.failed: set[str] = set()
        self.assignment = SimpleNamespace(limits=Limits())
        container = SimpleNamespace(id="1", name="processor-1", hostname="host-1")
        self.stack = SimpleNamespace(containers=lambda _service: [container])

    def probe(self, role: str) -> None: ...

    def postgres(self) -> None: ...

    def observe(self, name: str, *arguments: object) -> None: ...

    def logs(self, *_services: str) -> tuple[()]:
        return ()

    def reasons(self) -> Mapping[str, Reason]:
        return reasons_for(FOLDER)


@pytest.fixture
def subject(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(FOLDER)
    sys.modules.pop("subject", None)
    yield importlib.import_module("subject")
    sys.modules.pop("subject")


@pytest.fixture
def group(subject: ModuleType) -> Any:
    """A group of three partitions whose submission writes the row of each event, and what `played` adds."""
    group = subject.ConsumerGroup(Environment())
    group.known = 3
    group.played = lambda _event: {}
    rows: dict[str, Any] = {}

    def produce(events: list[Any]) -> list[Any]:
        for event in events:
            rows[event.id] = subject.Processed(event.key, event.fields["seq"], "host-1")
            rows.update(group.played(event))
        return events

    group.produce = produce
    group.table = SimpleNamespace(rows=lambda: dict(rows), doubled=list)
    return group


def check(name: str, file: str) -> Any:
    spec = importlib.util.spec_from_file_location("checks_of_rows", FOLDER / file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def copied(event: Any, row: Any) -> dict[str, Any]:
    """Write a second row for an event, under an id that is made of its own."""
    return {f"{event.id}-copy": row}


def test_a_row_of_no_event_is_seen_where_rows_are_compared(subject: ModuleType, group: Any) -> None:
    """A right submission passes, as does one that stores a spoiled event (another check's); a made-up id fails."""
    once = check("test_every_event_has_its_row", "public/test_public.py")
    (spoiled,) = group.events("half", 1, 0)
    group.played = lambda _event: {spoiled.id: subject.Processed(None, None, None)}
    once(group)
    group.played = lambda event: copied(event, subject.Processed(event.key, 1, "host-1"))
    with pytest.raises(CheckFailure) as caught:
        once(group)
    assert caught.value.code == "row-wrong"
    assert "-copy" in caught.value.observed.params["ids"]


def test_a_second_row_of_an_event_is_seen_where_rows_are_compared(group: Any) -> None:
    """A table without its primary key takes it."""
    group.table.doubled = lambda: ["g0000-once-2"]
    with pytest.raises(CheckFailure) as caught:
        check("test_every_event_has_its_row", "public/test_public.py")(group)
    assert (caught.value.code, caught.value.observed.params["ids"]) == ("row-wrong", "g0000-once-2")


def test_a_row_that_a_repeat_adds_is_seen_with_the_repeat(subject: ModuleType, group: Any) -> None:
    """The rows of new events are no such thing."""
    repeat = check("test_a_repeat_leaves_the_row", "hidden/test_events.py")
    added: dict[str, Any] = {}

    def produce(_topic: str, *records: Record) -> list[Placed]:
        group.played = lambda _event: added
        return [Placed(0, 0) for _ in records]

    group.kafka = SimpleNamespace(produce=produce)
    repeat(group)
    group.played = lambda _event: {}
    added["g0000-repeat-1-again"] = subject.Processed("user", 2, "host-1")
    with pytest.raises(CheckFailure) as caught:
        repeat(group)
    assert (caught.value.code, caught.value.observed.params["ids"]) == ("repeat-changed-row", "g0000-repeat-1-again")


def test_a_row_that_a_replay_adds_is_seen_with_the_replay(subject: ModuleType, group: Any) -> None:
    """What was sent meanwhile has its row rightly."""
    changes_nothing = check("test_a_replay_changes_nothing", "hidden/test_faults.py")
    row = subject.Processed("user", 1, "host-1")
    (early,) = group.events("early", 1, 0)
    changes_nothing(Replay([early], [], [], 0, {"g0000-a": row}, {"g0000-a": row, early.id: row}), group)
    replay = Replay([early], [], [], 0, {"g0000-a": row}, {"g0000-a": row, "g0000-a-copy": row})
    with pytest.raises(CheckFailure) as caught:
        changes_nothing(replay, group)
    assert (caught.value.code, caught.value.observed.params["ids"]) == ("replay-changed-rows", "g0000-a-copy")
