"""The delivery oracles on hand-written histories."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model.history import Event, History
from grader.oracles import delivery


def published(at: float, subject: str, queue: str, mode: int = 2, digest: str = "d") -> Event:
    return Event(
        at=at, source="amqp", kind="published", subject=subject,
        data={"queues": [queue], "delivery_mode": mode, "digest": digest},
    )  # fmt: skip


def stored(at: float, subject: str, queue: str, epoch: int = 1, mode: int = 2, digest: str = "d") -> Event:
    data = {"queue": queue, "epoch": epoch, "delivery_mode": mode, "digest": digest}
    return Event(at=at, source="amqp", kind="stored", subject=subject, data=data)


def delivered(at: float, subject: str, actor: str, queue: str = "tasks") -> Event:
    return Event(at=at, source="amqp", kind="delivered", subject=subject, actor=actor, data={"queue": queue})


def test_a_message_seen_on_its_way_in_and_lying_there_arrived_once() -> None:
    """Two instruments see one message: it counts once."""
    history = History((published(1, "a", "results"), stored(1.1, "a", "results")))
    assert delivery.arrivals(history, "results") == {"a": 1}


def test_a_message_seen_again_after_the_broker_was_away_arrived_once() -> None:
    """A new epoch sees old messages anew."""
    history = History((stored(1, "a", "results", epoch=1), stored(9, "a", "results", epoch=2)))
    assert delivery.arrivals(history, "results") == {"a": 1}


def test_a_report_that_only_one_instrument_saw_counts() -> None:
    """While the firehose was off, what lies in the queue shows the report."""
    assert delivery.lost(History((stored(1, "a", "results"),)), ["a"], "results") is None


@pytest.mark.parametrize("events", [(published(1, "a", "results"), published(2, "a", "results")),
                                    (stored(1, "a", "results"), stored(1, "a", "results"))])  # fmt: skip
def test_two_reports_are_a_repetition(events: tuple[Event, ...]) -> None:
    """Either instrument alone shows it."""
    violation = delivery.repeated(History(events), ["a"], "results")
    assert violation is not None
    assert violation.code == "reported-twice"


def test_one_report_is_no_repetition() -> None:
    """The right answer passes."""
    assert delivery.repeated(History((published(1, "a", "results"),)), ["a"], "results") is None


def test_a_report_that_nobody_asked_for_is_found() -> None:
    """An id of ours with something behind it; a submission's own ids, and what has none, are its own matter."""
    asked = {"g1-a-1", "g1-a-2"}
    events = [published(1, s, "results") for s in ("g1-a-1", "g1-a-1#2", "demo-1", "g12-a-1", "sha256:g1-")]
    history = History((*events, stored(2, "g1-", "results"), published(3, "g1-other", "elsewhere")))
    assert delivery.unasked(history, "results", asked=asked, nonce="g1") == ("g1-", "g1-a-1#2")


IDS = st.from_regex(r"(g1|g2|demo)-[ab]{1,2}", fullmatch=True)


@given(st.lists(st.tuples(IDS, st.booleans())), st.sets(IDS))
def test_nothing_that_was_asked_for_is_unasked(reports: list[tuple[str, bool]], asked: set[str]) -> None:
    """However often and in whichever way it was seen; and of what was not, each id of ours is named once."""
    history = History(tuple((stored if lies else published)(n, s, "results") for n, (s, lies) in enumerate(reports)))
    found = Counter(delivery.unasked(history, "results", asked=asked, nonce="g1"))
    assert found == Counter({s for s, _ in reports if s.startswith("g1-")} - asked)


def test_what_is_neither_reported_nor_waiting_is_lost() -> None:
    """Waiting in the queue is not lost."""
    history = History((published(1, "a", "results"),))
    violation = delivery.lost(history, ["a", "b", "c"], "results", still_waiting=["b"])
    assert violation is not None
    assert (violation.code, violation.subjects) == ("message-lost", ("c",))


def test_a_publish_to_another_queue_is_no_report() -> None:
    """Only the queue asked for counts."""
    assert delivery.lost(History((published(1, "a", "other"),)), ["a"], "results") is not None


@pytest.mark.parametrize(("mode", "code"), [(2, None), (1, "message-transient")])
def test_delivery_mode(mode: int, code: str | None) -> None:
    """Mode 1 is transient."""
    violation = delivery.transient(History((published(1, "a", "tasks", mode),)), ["a"], "tasks")
    assert (violation and violation.code) == code


@pytest.mark.parametrize(("reported_at", "code"), [(2.0, None), (1.97, None), (1.5, "reported-before-work")])
def test_a_report_sooner_than_the_work_lasts(reported_at: float, code: str | None) -> None:
    """A margin for the clocks, no more."""
    history = History((delivered(1.4, "a", "worker-1"), published(reported_at, "a", "results")))
    violation = delivery.too_early(history, {"a": 1.0}, 1.0, "results")
    assert (violation and violation.code) == code


def dead(*events: Event) -> str | None:
    violation = delivery.dead_lettered(History(events), {"p": "d"}, "tasks.dead", most_deliveries=3)
    return violation and violation.code


def test_a_poison_put_aside_unchanged_passes() -> None:
    """Up to three deliveries are allowed, and our own reading of the dead queue is none."""
    tries = [delivered(n, "p", "worker-1") for n in range(3)]
    assert dead(*tries, stored(4, "p", "tasks.dead"), delivered(5, "p", "viewer-1", "tasks.dead")) is None


def test_a_poison_delivered_four_times_spins() -> None:
    """One more than allowed, even if it ends in the right place."""
    tries = [delivered(n, "p", "worker-1") for n in range(4)]
    assert dead(*tries, stored(5, "p", "tasks.dead")) == "poison-redelivered-forever"


def test_a_poison_that_is_nowhere_is_lost() -> None:
    """Delivered once, and gone."""
    assert dead(delivered(1, "p", "worker-1")) == "poison-lost"


def test_a_poison_is_called_by_what_its_reader_knows() -> None:
    """A message without an id is a hash to us; its sender knows its bytes."""
    violation = delivery.dead_lettered(
        History(), {"sha256:0": "0", "q": "d"}, "tasks.dead", most_deliveries=3, words={"sha256:0": "null"}
    )
    assert violation is not None
    assert violation.observed.params["ids"] == "null, q"
    assert violation.subjects == ("sha256:0", "q")


def test_a_poison_with_another_body_was_changed() -> None:
    """The id is the same, the bytes are not."""
    assert dead(stored(1, "p", "tasks.dead", digest="other")) == "poison-changed"


def test_a_poison_without_a_readable_id_is_found_by_its_bytes() -> None:
    """The subject may differ where the id cannot be read."""
    assert dead(stored(1, "sha256:xyz", "tasks.dead", digest="d")) is None
