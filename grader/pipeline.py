"""One submission from folder to result: the only module that knows the order of the stages."""

from __future__ import annotations

import contextlib
import datetime
import secrets
import shutil
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from grader import company, stages
from grader.errors import SubmissionBrokenError
from grader.events import StageBegan, StageEnded
from grader.model.findings import Finding
from grader.model.text import msg
from grader.receiving import receive
from grader.run import Run, chosen_checks
from grader.stack.stage import new_stage
from grader.stages import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from grader.events import Listener
    from grader.model.assignment import Assignment
    from grader.model.grade import Result
    from grader.model.outcome import Outcome
    from grader.model.workspace import Workspace

__all__ = ["STAGES", "Options", "Run", "grade", "grade_taken", "through"]

Stage = Callable[[Any], Any]
PREPARING: Final[tuple[Stage, ...]] = (stages.intake, stages.policy, stages.engine, stages.images)
STARTING: Final[tuple[Stage, ...]] = (stages.build, stages.up, stages.ready)  # all that the gate is held for
STAGES: Final[tuple[Stage, ...]] = (*PREPARING, stages.networks, *STARTING, stages.checks, stages.teardown)

# What a machine that has too much to do can bring about; a build that ends with an error is none of it.
_TIMELY = frozenset({"start-failed", "build-timeout", "service-not-ready"})


def through(wanted: Iterable[Stage], given: Any, instead: Mapping[str, Stage] | None = None) -> Any:
    """Give each stage what the one before it returned; return what the last one returns.

    instead: by the name of a stage, what passes on what still stands of an earlier run; it is neither told nor timed.
    """
    for stage in wanted:
        if instead and stage.__name__ in instead:
            given = instead[stage.__name__](given)
        else:
            with _told(stage.__name__, given):
                given = stage(given)
    return given


@contextlib.contextmanager
def _told(name: str, given: stages.Given) -> Iterator[None]:
    """Time a stage, and tell whoever listens."""
    given.listen(StageBegan(name))
    began = time.monotonic()
    ok = False
    try:
        yield
        ok = True
    finally:
        seconds = time.monotonic() - began
        taken = given.run.stages
        taken[name] = round(taken.get(name, 0.0) + seconds, 3)
        given.listen(StageEnded(name, seconds, ok))


def grade(source: Path, assignment: Assignment, listen: Listener, options: Options | None = None) -> Result:
    """Grade one submission. Never raises for what a submission does; KeyboardInterrupt passes after the clean-up."""
    return grade_taken(source.name, partial(receive, source), assignment, listen, options)


def grade_taken(
    name: str,
    take: Callable[[Path], Workspace],
    assignment: Assignment,
    listen: Listener,
    options: Options | None = None,
) -> Result:
    """Grade what `take` puts into the new folder that it is given; it raises what `intake.take` raises."""
    options = options or Options()
    chosen = chosen_checks(assignment, options.checks)
    run = Run(
        assignment=msgspec.structs.replace(assignment, checks=tuple(c for c in assignment.checks if c.id in chosen)),
        submission=name,
        seed=secrets.randbelow(2**31) if options.seed is None else options.seed,
        checks=chosen,
        started_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    outcomes: tuple[Outcome, ...] = ()
    folder = new_stage()
    try:
        given = stages.Given(run=run, listen=listen, options=options, folder=folder, take=take)
        outcomes = _graded(through(PREPARING, given))
    except Exception as error:
        outcomes = run.kept_from(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return run.result(outcomes)


def _graded(bound: stages.Bound) -> tuple[Outcome, ...]:
    """Start it, run the checks, take it down."""
    with contextlib.ExitStack() as cleanup, company.shared() as others:
        graded: stages.Graded = through((stages.checks,), _start_fairly(bound, cleanup, others))
        others.leave()
        if bound.options.keep:
            bound.options.keep(graded)
        return graded.outcomes


def _start_fairly(bound: stages.Bound, cleanup: contextlib.ExitStack, others: company.Company) -> stages.Served:
    """Start the submission; a start that fails on a busy machine is tried a second time alone, and only that counts."""
    with contextlib.ExitStack() as first:
        try:
            served = _start(bound, first)
            why = next((s.reason for s in served.states.values() if s.reason in _TIMELY), "")
        except SubmissionBrokenError as broken:
            why = broken.findings[0].code
            if why not in _TIMELY or not others.busy():
                raise
        else:
            if not why or not others.busy():
                cleanup.push(first.pop_all())
                return served
    bound.run.findings += (
        Finding(
            code="start-tried-again",
            severity="notice",
            message=msg(
                "The first start failed (%(why)s) while other work ran on the grader's machine. It was tried again "
                "alone, and what you read here is what came of that.",
                why=why,
            ),
        ),
    )
    with others.alone():
        return _start(bound, cleanup)


def _start(bound: stages.Bound, until: contextlib.ExitStack) -> stages.Served:
    """Make a stack and start it; `until` takes it down when it is closed."""
    created: stages.Created = through((stages.networks,), bound)
    until.callback(through, (stages.teardown,), created)
    try:
        with bound.options.gate():
            served: stages.Served = through(STARTING, created)
            return served
    except SubmissionBrokenError as broken:
        if created.disk.exceeded:  # whatever else went wrong, its containers were taken away
            raise SubmissionBrokenError(_wrote_too_much(bound.run)) from broken
        raise


def _wrote_too_much(run: Run) -> Finding:
    return Finding(
        code="disk-exceeded",
        severity="error",
        message=msg("The project wrote more than %(n)s MiB to disk.", n=run.assignment.limits.disk_mib),
    )
