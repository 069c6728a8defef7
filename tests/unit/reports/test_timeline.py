"""The timeline says in words what the History holds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from grader.presentation import limits
from grader.presentation.words import Words
from grader.probes import containers
from grader.reports.timeline import rows, source_of
from tests.unit.reports.builders import HOSTILE, KILL_STORY, event

ROOT = Path(__file__).parents[3]
ENGLISH = Words("en")


def kinds_recorded() -> set[tuple[str, str]]:
    """Source and kind of the events that probes, faults and assignments write down, read from their source."""
    files = [*(ROOT / "grader").rglob("*.py"), *(ROOT / "assignments").rglob("*.py")]
    calls = [n for f in files for n in ast.walk(ast.parse(f.read_text("utf-8"))) if isinstance(n, ast.Call)]
    noted = [
        (c.args[0].value, c.args[1].value)
        for c in calls
        if isinstance(c.func, ast.Attribute)
        and c.func.attr == "note"
        and len(c.args) > 1
        and isinstance(c.args[0], ast.Constant)
        and isinstance(c.args[1], ast.Constant)
    ]
    made = {("amqp", "published"), ("amqp", "delivered"), *(("docker", kind) for kind in containers.KINDS.values())}
    return {(str(source), str(kind)) for source, kind in noted} | made


def test_every_kind_that_is_recorded_has_words() -> None:
    """No reader meets a raw word of the History; our own marks are never shown."""
    found = kinds_recorded()
    assert {("amqp", "observing-ended"), ("amqp", "stored"), ("docker", "died"), ("db", "row")} <= found
    assert [(s, k) for s, k in found if k not in {*source_of(s).kinds, *source_of(s).unseen}] == []


def test_what_follows_a_fault_stands_behind_it() -> None:
    """The broker is stopped, is not seen, comes back and is seen again, in this order and in words."""
    story = (
        event(1.0, "grader", "fault", actor="rabbitmq", action="restart"),
        event(1.3, "docker", "died", actor="rabbitmq-1", exit_code=0),
        event(1.3, "amqp", "observing-ended", actor="rabbitmq", why="away"),
        event(1.6, "grader", "healed", actor="rabbitmq", action="restart"),
        event(1.9, "docker", "started", actor="rabbitmq-1"),
        event(6.0, "amqp", "observing", actor="rabbitmq", epoch=2),
    )
    assert [(row.what, row.details) for row in rows(story, 0, ENGLISH)] == [
        ("we restarted rabbitmq", ()),
        ("rabbitmq-1 ended", ("exit code 0",)),
        ("we do not see rabbitmq any more", ()),
        ("we started rabbitmq again", ()),
        ("rabbitmq-1 started", ()),
        ("we watch rabbitmq from here on", ()),
    ]


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
    assert len(told) <= limits.ROWS
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
