"""The timeline says in words what the History holds."""

from __future__ import annotations

import pytest

from grader.reports.timeline import MAX_ROWS, rows
from grader.reports.words import Words
from tests.unit.reports.builders import HOSTILE, KILL_STORY, event

ENGLISH = Words("en")


def test_story_of_a_killed_worker() -> None:
    """Times are relative, our fault stands out, a burst is one row, unknown kinds keep their name."""
    told = rows(KILL_STORY, 41.2, ENGLISH)
    assert [(round(r.at, 3), r.what, r.subject, r.times, r.fault) for r in told] == [
        (0.0, "published by api-1:", "slow-1", 1, False),
        (0.011, "delivered to worker-2:", "slow-1", 1, False),
        (0.32, "we killed worker-2 (SIGKILL)", "", 1, True),
        (0.38, "worker-2 ended", "", 1, False),
        (0.8, "published by api-1:", "m0, m1, …, m13", 14, False),
        (6.441, "answer of api-1:", "", 1, False),
        (6.5, "worker-2 exploded", "", 1, False),
    ]
    assert told[0].details == ("into tasks", "persistent")
    assert told[3].details == ("exit code 137",)
    assert told[6].details == ("colour=blue",)


def test_few_events_are_shown_one_by_one() -> None:
    """Three alike are three rows: the reader sees which worker got which."""
    events = [event(n, "amqp", "delivered", f"m{n}", "worker-1", queue="tasks") for n in range(3)]
    assert [r.subject for r in rows(events, 0, ENGLISH)] == ["m0", "m1", "m2"]


def test_redelivered_and_first_deliveries_are_not_mixed() -> None:
    """What differs in a detail that matters stays apart in a burst."""
    events = [event(n, "amqp", "delivered", f"m{n}", "worker-1", queue="tasks", redelivered=n >= 15) for n in range(20)]
    assert [(r.times, "delivered again" in r.details) for r in rows(events, 0, ENGLISH)] == [(15, False), (5, True)]


def test_a_long_history_is_capped_and_keeps_what_we_did() -> None:
    """Hundreds of rows become a readable number, with the gap counted."""
    events = [event(n, "grader" if n == 250 else f"s{n}", "fault", action="kill") for n in range(500)]
    told = rows(events, 0, ENGLISH)
    assert len(told) <= MAX_ROWS
    assert any(r.fault for r in told)
    assert any(r.what == "459 more events are left out here" for r in told)


def test_hostile_names_are_cleaned() -> None:
    """A message id is a student's text."""
    row = rows([event(0, "amqp", HOSTILE, HOSTILE, HOSTILE, queue=HOSTILE)], 0, ENGLISH)[0]
    assert "\x1b" not in "".join((row.what, row.subject, *row.details))
    assert "\u202e" not in "".join((row.what, row.subject, *row.details))


@pytest.mark.parametrize(
    ("kind", "action", "told"),
    [
        ("fault", "crash", "we made the process of worker-1 crash"),
        ("fault", "scale to 5", "we changed the number of replicas of worker-1"),
        ("healed", "pause", "we let worker-1 go on"),
        ("healed", "start", "we started worker-1"),
        ("fault", "tickle", "we broke worker-1"),
    ],
)
def test_what_we_did_in_words(kind: str, action: str, told: str) -> None:
    """Every fault that the grader knows has words, and an unknown one too."""
    (row,) = rows([event(0, "grader", kind, actor="worker-1", action=action)], 0, ENGLISH)
    assert (row.what, row.fault) == (told, True)
