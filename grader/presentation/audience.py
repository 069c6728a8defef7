"""Who may read what of a result: decided here, once, before anything is written.

What writes takes a `Redacted`, so that nothing can be written for which this was not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from grader.events import CheckEnded
from grader.model.grade import Result
from grader.model.outcome import Outcome
from grader.model.text import Bilingual

if TYPE_CHECKING:
    from grader.events import Listener, PipelineEvent
    from grader.model.assignment import Assignment, CheckSpec

Audience = Literal["student", "instructor"]


class Redacted(Result, frozen=True, kw_only=True):
    """A result as one audience may read it.

    closed: the checks of which it reads title and verdict alone. trouble: the grader had problems of its own whose
    details it does not read, since they may quote a hidden check.
    """

    audience: Audience
    closed: frozenset[str] = frozenset()
    trouble: bool = False


def redacted(result: Result, audience: Audience) -> Redacted:
    """Return what `audience` may read of a result: a student reads title and verdict of a hidden check, no more."""
    known = {name: getattr(result, name) for name in Result.__struct_fields__}
    if audience == "instructor":
        return Redacted(**known, audience=audience)
    known |= {
        "assignment": msgspec.structs.replace(
            result.assignment, checks=tuple(_spec(spec) for spec in result.assignment.checks)
        ),
        "outcomes": tuple(_outcome(outcome, result.assignment) for outcome in result.outcomes),
        "errors": (),
    }
    closed = frozenset(spec.id for spec in result.assignment.checks if spec.visibility != "public")
    return Redacted(**known, audience=audience, closed=closed, trouble=bool(result.errors))


def redacting(listen: Listener, assignment: Assignment, audience: Audience) -> Listener:
    """Return a listener that hands to `listen` what `audience` may know while a grading runs."""

    def hand_on(event: PipelineEvent) -> None:
        if isinstance(event, CheckEnded) and audience == "student":
            event = CheckEnded(_outcome(event.outcome, assignment))
        listen(event)

    return hand_on


def _outcome(outcome: Outcome, assignment: Assignment) -> Outcome:
    public = any(spec.id == outcome.check and spec.visibility == "public" for spec in assignment.checks)
    return outcome if public else Outcome(check=outcome.check, verdict=outcome.verdict)


def _spec(spec: CheckSpec) -> CheckSpec:
    if spec.visibility == "public":
        return spec
    return msgspec.structs.replace(spec, requirement=Bilingual("", ""), needs=(), fails_on=())
