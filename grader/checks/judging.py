"""From what a check raised to its outcome, and so to whose fault it was.

A check fails when its submission is to blame. It errs only when our own canary, outside of the student's containers,
failed at the same time, or when our own code is wrong: an error cannot be earned.
"""

from __future__ import annotations

import functools
import traceback
from typing import TYPE_CHECKING

from grader import brokers
from grader.errors import BlockedError, CheckFailure, GraderError
from grader.model.outcome import Evidence, Outcome
from grader.model.text import literal, msg
from grader.polling import DeadlineError

if TYPE_CHECKING:
    from grader.checks.environment import ChecksEnvironment
    from grader.model.assignment import CheckSpec
    from grader.model.history import Event
    from grader.model.text import Text

MAX_EVENTS = 400


class Failures:
    """What has failed a check already, so that it fails no second one.

    A session fixture that raised is raised by pytest for every check that asks for it, and a fixture may keep what it
    raised and raise that again: the very same exception is the very same finding.
    """

    def __init__(self) -> None:
        self._known: list[tuple[BaseException, str]] = []

    def counted_once(self, failure: BaseException | None) -> BaseException | None:
        """Return the failure, or what blocks a check that meets one which has failed another check."""
        first = next((check for known, check in self._known if known is failure), None)
        return BlockedError(first) if first else failure

    def add(self, failure: BaseException | None, outcome: Outcome) -> None:
        """Remember what failed a check. What was an error of ours is one again: it must not cost points."""
        if failure is not None and outcome.verdict == "failed":
            self._known.append((failure, outcome.check))


def outcome_of(environment: ChecksEnvironment, spec: CheckSpec, began: float, failure: BaseException | None) -> Outcome:
    """Return the outcome of a check that began at `began` (seconds) and ended now, with what it raised."""
    ended = environment.recorder.clock()
    if isinstance(failure, BlockedError):
        return Outcome(check=spec.id, verdict="blocked", blocked_by=failure.need, began=began, ended=ended)
    events = _capped(tuple(e for e in environment.recorder.history(began) if not brokers.is_unseen(e)))
    if failure is None:
        return Outcome(check=spec.id, verdict="passed", began=began, ended=ended, events=events)
    if not environment.stack.canary():
        return _error(spec, began, ended, events, msg("the engine or the gateway did not answer"), failure)
    failure = _said_by_a_client(failure)
    if isinstance(failure, CheckFailure):
        evidence = tuple(e for e in failure.evidence if isinstance(e, Evidence))
        return _failed(spec, began, ended, events, failure.code, failure.expected, failure.observed, evidence)
    if isinstance(failure, _no_answer()) or (isinstance(failure, GraderError) and _stopped(environment)):
        return _failed(
            spec, began, ended, events, "no-answer",
            msg("the submission's services answer"),
            literal(f"{type(failure).__name__}: {failure}"[:300]),
            _states(environment),
        )  # fmt: skip
    return _error(spec, began, ended, events, msg("the grader itself failed in this check"), failure)


def _failed(
    spec: CheckSpec,
    began: float,
    ended: float,
    events: tuple[Event, ...],
    code: str,
    expected: Text,
    observed: Text,
    evidence: tuple[Evidence, ...] = (),
) -> Outcome:
    return Outcome(
        check=spec.id,
        verdict="failed",
        reason=code,
        expected=expected,
        observed=observed,
        evidence=evidence,
        began=began,
        ended=ended,
        events=events,
    )


def _error(
    spec: CheckSpec, began: float, ended: float, events: tuple[Event, ...], what: Text, failure: BaseException
) -> Outcome:
    trace = "".join(traceback.format_exception(failure)).splitlines()[-30:]
    return Outcome(
        check=spec.id,
        verdict="error",
        reason="grader-error",
        observed=what,
        evidence=(Evidence(title=msg("for the grader's developers"), lines=tuple(trace)),),
        began=began,
        ended=ended,
        events=events,
    )


def _said_by_a_client(failure: BaseException) -> BaseException:
    """Return the failure that an exception of a client means, or the exception where it means none by itself."""
    known = (each for client in brokers.clients() for each in client.failures)
    return next((each.of(failure) for each in known if isinstance(failure, each.errors)), failure)


@functools.cache
def _no_answer() -> tuple[type[BaseException], ...]:
    """Return what is raised where a service does not answer, whichever it is."""
    return (*(error for client in brokers.clients() for error in client.errors), DeadlineError)


def _stopped(environment: ChecksEnvironment) -> bool:
    """Say whether a container of a contract service is down: then our own commands in it cannot work."""
    return any(
        not container.state().running
        for service in environment.assignment.services
        for container in environment.stack.containers(service.name)
    )


def _states(environment: ChecksEnvironment) -> tuple[Evidence, ...]:
    return tuple(e for service in environment.assignment.services for e in environment.logs(service.name))


def _capped(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Keep the beginning and the end of a long stretch: both faults and their consequences stand there."""
    if len(events) <= MAX_EVENTS:
        return events
    half = MAX_EVENTS // 2
    return events[:half] + events[-half:]
