"""Whose fault was it? An error cannot be earned, and a failure needs a machine that works."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpcore
import pika.exceptions
import psycopg
import pytest
import redis

from grader.brokers.rabbitmq.firehose import FloodError
from grader.brokers.rabbitmq.probe import QueueMissingError
from grader.checks.judging import Failures, outcome_of
from grader.errors import BlockedError, CheckFailure, GraderError
from grader.model.assignment import CheckSpec
from grader.model.history import History
from grader.model.text import Bilingual, msg
from grader.polling import DeadlineError

TEXT = Bilingual(es="", en="")
SPEC = CheckSpec(id="a", title=TEXT, requirement=TEXT, points=1, level="core", visibility="public")
FAILURE = CheckFailure("message-lost", expected=msg("x"), observed=msg("y"))


def environment(*, canary: bool = True, running: bool = True) -> Any:
    """The facts that a judgement asks for."""
    container = SimpleNamespace(state=lambda: SimpleNamespace(running=running))
    return SimpleNamespace(
        recorder=SimpleNamespace(clock=lambda: 2.0, history=lambda _since: History()),
        stack=SimpleNamespace(canary=lambda: canary, containers=lambda _name: [container]),
        assignment=SimpleNamespace(services=[SimpleNamespace(name="rabbitmq")]),
        logs=lambda _name: (),
    )


@pytest.mark.parametrize(
    ("failure", "facts", "verdict", "reason"),
    [
        (None, {}, "passed", ""),
        (BlockedError("b"), {}, "blocked", ""),
        (BlockedError("b"), {"canary": False}, "blocked", ""),
        (FAILURE, {}, "failed", "message-lost"),
        (FAILURE, {"canary": False}, "error", "grader-error"),
        (FloodError("p", 101), {}, "failed", "poison-redelivered-forever"),
        (FloodError("p", 101), {"canary": False}, "error", "grader-error"),
        (QueueMissingError("tasks"), {}, "failed", "queue-missing"),
        (pika.exceptions.AMQPConnectionError(), {}, "failed", "no-answer"),
        (ConnectionResetError(), {}, "failed", "no-answer"),
        (httpcore.ReadTimeout("slow"), {}, "failed", "no-answer"),
        (redis.exceptions.TimeoutError(), {}, "failed", "no-answer"),
        (redis.exceptions.OutOfMemoryError(), {}, "failed", "no-answer"),
        (redis.exceptions.DataError(), {}, "error", "grader-error"),
        (psycopg.OperationalError(), {}, "failed", "no-answer"),
        (psycopg.OperationalError(), {"canary": False}, "error", "grader-error"),
        (psycopg.errors.UndefinedTable(), {}, "failed", "table-differs"),
        (psycopg.errors.SyntaxError(), {}, "error", "grader-error"),
        (DeadlineError("x", 1.0), {}, "failed", "no-answer"),
        (DeadlineError("x", 1.0), {"canary": False}, "error", "grader-error"),
        (GraderError(msg("rabbitmqctl failed")), {}, "error", "grader-error"),
        (GraderError(msg("rabbitmqctl failed")), {"running": False}, "failed", "no-answer"),
        (KeyError("a mistake of ours"), {"running": False}, "error", "grader-error"),
    ],
)
def test_whose_fault(failure: BaseException | None, facts: dict[str, bool], verdict: str, reason: str) -> None:
    """Each kind of ending has one verdict."""
    outcome = outcome_of(environment(**facts), SPEC, 1.0, failure)
    assert (outcome.verdict, outcome.reason) == (verdict, reason)


def test_a_blocked_check_names_its_need() -> None:
    """A reader sees what to mend first."""
    assert outcome_of(environment(), SPEC, 1.0, BlockedError("task.done")).blocked_by == "task.done"


def test_the_same_exception_fails_one_check() -> None:
    """A fixture that failed is raised for everyone who asks for it: the first fails, the others wait for that one."""
    failures = Failures()
    assert failures.counted_once(FAILURE) is FAILURE
    failures.add(FAILURE, outcome_of(environment(), SPEC, 1.0, FAILURE))
    again = failures.counted_once(FAILURE)
    assert isinstance(again, BlockedError)
    assert again.need == SPEC.id
    another = CheckFailure("message-lost", expected=msg("x"), observed=msg("y"))
    assert failures.counted_once(another) is another
    assert failures.counted_once(None) is None


def test_an_error_of_ours_stays_one() -> None:
    """What was our error for one check is our error for the next: it must not become a check that earns nothing."""
    failures = Failures()
    failures.add(FAILURE, outcome_of(environment(canary=False), SPEC, 1.0, FAILURE))
    assert failures.counted_once(FAILURE) is FAILURE
