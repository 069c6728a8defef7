"""What must lie in queues after an outage, on hand-written histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from grader import CheckFailure, QueueOutage
from grader.brokers.rabbitmq.subject import PutAside
from grader.model.history import History
from tests.unit.oracles.test_delivery import delivered, published, stored

if TYPE_CHECKING:
    from grader import Condition

SENT = ("a", "b", "c")
BEFORE = History((*(published(1, s, "tasks", mode=1 if s == "c" else 2) for s in SENT), delivered(2, "a", "worker-1")))


class Subject:
    """Says what is missing instead of waiting for it."""

    def __init__(self, history: History) -> None:
        self.history = history

    def expect(self, condition: Condition, *, within: float, otherwise: str, **facts: Any) -> None:
        assert within == 10
        if missing := condition(self.history):
            raise CheckFailure(f"{otherwise} {facts} {sorted(missing)}", expected=None, observed=None)  # type: ignore[arg-type]


def outage(*after: Any, durable: set[str] | None = None, quorum: set[str] | None = None) -> QueueOutage[Any]:
    found = {"tasks", "results"} if durable is None else durable
    return QueueOutage(Subject(History(after)), began=5.0, epoch=1, durable=found, quorum=quorum or set())


def test_what_a_consumer_has_had_or_was_sent_as_transient_is_not_counted_on() -> None:
    """A quorum queue keeps what was sent as transient too."""
    assert outage().untouched(BEFORE, "tasks", SENT) == ["b"]
    assert outage(quorum={"tasks"}).untouched(BEFORE, "tasks", SENT) == ["b", "c"]


def test_where_each_has_been_had_all_are_counted_on() -> None:
    """Whoever takes all that there is would otherwise have nothing to keep."""
    assert outage().untouched(BEFORE, "tasks", ["a"]) == ["a"]


def test_letters_are_counted_on_where_they_are_meant_to_be_kept() -> None:
    """A queue that vanishes with the broker owes nothing."""
    found = outage()
    found.demand(BEFORE, "tasks", ["b", "c"])
    found.demand(BEFORE, "tasks", ["a"])
    found.demand(BEFORE, "dead", ["b"])
    assert found.letters == {"tasks": ["b", "a"]}


@pytest.mark.parametrize(
    ("after", "missing"),
    [
        ((stored(9, "x", "results", epoch=2), stored(9, "y", "results", epoch=2)), None),
        ((stored(9, "x", "results", epoch=2), stored(9, "y", "results", epoch=1)), "['y']"),
        ((stored(9, "x", "results", epoch=2), stored(9, "y", "elsewhere", epoch=2)), "['y']"),
        ((), "['x', 'y']"),
    ],
)
def test_letters_must_be_found_anew_after_the_outage(after: tuple[Any, ...], missing: str | None) -> None:
    """What was seen before it, or lies in another queue, does not count; the reason's words may name the queue."""
    found = outage(*after)
    found.letters["results"] = ["x", "y"]
    if missing is None:
        return found.expect_letters(within=10, otherwise="message-lost/letters")
    with pytest.raises(CheckFailure) as caught:
        found.expect_letters(within=10, otherwise="message-lost/letters")
    assert caught.value.code == f"message-lost/letters {{'queue': 'results'}} {missing}"
    return None


def test_what_was_put_aside_is_called_by_what_its_reader_knows() -> None:
    """A message without an id is a hash to us."""
    aside = PutAside(None, {"sha256:0": "null", "a": '{"id": "a"}'})
    assert aside.among({"sha256:0", "b"}) == ["null"]
