"""One submission from folder to result: the only module that knows the order of the stages."""

from __future__ import annotations

import contextlib
import datetime
import platform
import secrets
import shutil
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from grader import catalogue, company, images, policy, scoring, starting
from grader._version import __version__
from grader.checks import runner
from grader.checks.session import ServiceState, Session
from grader.errors import (
    GraderError,
    ImageMissingError,
    SubmissionBrokenError,
    SubmissionRefusedError,
    UnusableImagesError,
)
from grader.events import Notice, StageBegan, StageEnded
from grader.images.endpoint import connect
from grader.model.assignment import Assignment
from grader.model.findings import Finding
from grader.model.grade import ResolvedImage, Result
from grader.model.outcome import Evidence, Outcome
from grader.model.plan import StackPlan
from grader.model.text import Text, msg
from grader.model.workspace import Workspace
from grader.receiving import receive
from grader.stack.disk import DiskWatch
from grader.stack.stack import Stack
from grader.stack.stage import new_stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import docker

    from grader.events import Listener

T = TypeVar("T")
GATEWAY_IMAGE = "python:3.13-slim"
# What a machine that has too much to do can bring about; a build that ends with an error is none of it.
_TIMELY = frozenset({"start-failed", "build-timeout", "service-not-ready"})
IMAGE_MISSING = "image-missing"  # an error of ours that no second try mends


class Run(msgspec.Struct, kw_only=True):
    """What a grading gathers on its way; `finish` turns it into a Result whatever happened."""

    assignment: Assignment
    submission: str
    seed: int
    checks: tuple[str, ...]
    stages: dict[str, float] = {}
    findings: tuple[Finding, ...] = ()
    images: tuple[ResolvedImage, ...] = ()
    versions: dict[str, str] = {}
    errors: tuple[str, ...] = ()
    started_at: str = ""
    rejected: bool = False


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to grade.

    checks: ids to run, with what they need (empty: all). seed: None for a new one. images: pull or build.
    gate: held while images are built and services start, the time in which a submission needs the machine most.
    linger: called with the stack still up after it was graded; it goes down when that returns.
    """

    checks: tuple[str, ...] = ()
    seed: int | None = None
    images: images.Mode = "auto"
    gate: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    linger: Callable[[Live], None] | None = None


class Live(msgspec.Struct, kw_only=True):
    """A stack that was graded and is still up. plan: as it runs, bound to images. folder: of the grading's own."""

    run: Run
    stage: Stages
    stack: Stack
    plan: StackPlan
    workspace: Workspace
    folder: Path
    options: Options
    outcomes: tuple[Outcome, ...]

    def result(self) -> Result:
        """Return what has been found so far as a result."""
        return finish(self.run, self.outcomes)


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
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    chosen = chosen_checks(assignment, options.checks)
    assignment = msgspec.structs.replace(assignment, checks=tuple(c for c in assignment.checks if c.id in chosen))
    run = Run(
        assignment=assignment,
        submission=name,
        seed=seed,
        checks=chosen,
        started_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    stage = Stages(run, listen)
    outcomes: tuple[Outcome, ...] = ()
    folder = new_stage()
    try:
        workspace = stage("intake", lambda: take(folder / "workspace"))
        run.findings += workspace.findings
        run.submission = workspace.name
        plan = stage("policy", lambda: policy.judge(workspace, assignment, catalogue.load()))
        run.findings += plan.findings
        outcomes = _in_docker(run, stage, workspace, plan, folder, options)
    except Exception as error:
        outcomes = kept_from(run, error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return finish(run, outcomes)


def kept_from(run: Run, error: Exception) -> tuple[Outcome, ...]:
    """Return the outcomes where `error` kept the checks from running, and note on the run whose fault it was."""
    match error:
        case SubmissionRefusedError():
            run.rejected = True
            run.findings += tuple(f for f in error.findings if f not in run.findings)
            return _all_blocked(run, "submission-refused", error.findings)
        case SubmissionBrokenError():
            run.findings += error.findings
            return _all_blocked(run, error.findings[0].code, error.findings)
        case GraderError():
            return _all_errors(run, error)
    # a defect of ours must not cost a student the report
    run.errors += ("".join(traceback.format_exception(error)),)
    return _all_errors(run, GraderError(msg("the grader itself failed: %(error)s", error=repr(error)[:300])))


def finish(run: Run, outcomes: tuple[Outcome, ...]) -> Result:
    """Return the result of what a grading has gathered."""
    return Result(
        assignment=run.assignment,
        submission=run.submission,
        grade=scoring.grade(run.assignment, outcomes, rejected=run.rejected),
        outcomes=outcomes,
        findings=run.findings,
        stages=run.stages,
        images=run.images,
        versions={"grader": __version__, "assignment": run.assignment.version, "python": platform.python_version()}
        | run.versions,
        seed=run.seed,
        started_at=run.started_at,
        errors=run.errors,
    )


def _in_docker(
    run: Run, stage: Stages, workspace: Workspace, plan: StackPlan, folder: Path, options: Options
) -> tuple[Outcome, ...]:
    """Bind the plan to images, start it, run the checks, take it down."""
    client = stage("engine", connect)
    run.versions = {"engine": str(client.version().get("Version", "?"))}

    bound, gateway = stage("images", lambda: bind(run, client, plan, options.images, stage.listen))
    with contextlib.ExitStack() as cleanup, company.beside() as others:

        def begin(until: contextlib.ExitStack) -> _Begun:
            create = partial(_create, client, bound, workspace, gateway, folder)
            return _begin(run, stage, create, bound, until, options)

        begun = _begin_fairly(run, begin, cleanup, others)
        outcomes = judged(run, stage, begun.stack, begun.states, run.checks, folder / "checks", begun.stop)
        others.leave()
        if options.linger:
            live = Live(
                run=run, stage=stage, stack=begun.stack, plan=bound, workspace=workspace, folder=folder,
                options=options, outcomes=outcomes,
            )  # fmt: skip
            options.linger(live)
        return outcomes


class _Begun(NamedTuple):
    """A stack that was started, how its services came up, and what ends its checks."""

    stack: Stack
    states: dict[str, ServiceState]
    stop: runner.Stop


def _begin_fairly(
    run: Run, begin: Callable[[contextlib.ExitStack], _Begun], cleanup: contextlib.ExitStack, others: company.Company
) -> _Begun:
    """Start the submission; a start that fails on a busy machine is tried a second time alone, and only that counts."""
    with contextlib.ExitStack() as first:
        try:
            begun = begin(first)
            why = next((s.reason for s in begun.states.values() if s.reason in _TIMELY), "")
        except SubmissionBrokenError as broken:
            why = broken.findings[0].code
            if why not in _TIMELY or not others.busy():
                raise
        else:
            if not why or not others.busy():
                cleanup.push(first.pop_all())
                return begun
    run.findings += (
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
        return begin(cleanup)


def _begin(
    run: Run,
    stage: Stages,
    create: Callable[[Listener], Stack],
    plan: StackPlan,
    until: contextlib.ExitStack,
    options: Options,
) -> _Begun:
    """Make a stack and start it; `until` takes it down when it is closed."""
    stack = stage("networks", lambda: create(stage.listen))
    until.callback(lambda: stage("teardown", stack.down))
    stop = runner.Stop()
    watch = DiskWatch(stack, limit_mib=run.assignment.limits.disk_mib, on_exceeded=lambda: stop.now("disk-exceeded"))
    until.callback(watch.close)
    try:
        with options.gate():
            states = starting.start(run, stage, stack, plan)
    except SubmissionBrokenError as broken:
        if watch.exceeded:  # whatever else went wrong, its containers were taken away
            raise SubmissionBrokenError(_wrote_too_much(run)) from broken
        raise
    return _Begun(stack, states, stop)


def bind(
    run: Run, client: docker.DockerClient, plan: StackPlan, mode: images.Mode, listen: Listener
) -> tuple[StackPlan, str]:
    """Have every image that the plan names; return the plan bound to them, and the gateway's image.

    What nobody has judged is judged now. Raises SubmissionError for an image that cannot be used as it is named, and
    ImageMissingError that names all others that are not to be had, before anything is built.
    """

    def progress(text: Text) -> None:
        listen(Notice(text))

    limits = run.assignment.limits
    wanted = (*plan.images, GATEWAY_IMAGE)
    try:
        resolved = images.resolve(client, wanted, mode=mode, on_progress=progress, most_mib=limits.images_mib)
    except UnusableImagesError as error:
        if findings := policy.unusable(plan, error.images, catalogue.load()):
            raise SubmissionBrokenError(*findings) from error
        raise
    run.images = tuple(resolved[name] for name in dict.fromkeys(plan.images))
    outside = [use.name for use in plan.uses if not use.catalogue]
    if outside:
        known = plan.findings
        plan = policy.judge_images(plan, images.facts(client, resolved, outside), limits)
        run.findings += tuple(f for f in plan.findings if f not in known)
    return policy.bind(plan, resolved), resolved[GATEWAY_IMAGE].reference


def judged(
    run: Run,
    stage: Stages,
    stack: Stack,
    states: dict[str, ServiceState],
    checks: tuple[str, ...],
    folder: Path,
    stop: runner.Stop | None = None,
) -> tuple[Outcome, ...]:
    """Run checks on a stack that is up; `folder` is made for them."""
    known = (finding for state in states.values() for finding in state.findings)
    run.findings += tuple(finding for finding in known if finding not in run.findings)
    session = Session(
        stack=stack.info,
        assignment=run.assignment,
        checks=checks,
        services=states,
        findings=run.findings,
        seed=run.seed,
    )
    folder.mkdir()
    outcomes, errors = stage("checks", lambda: runner.run(session, folder, stage.listen, stop))
    run.errors += errors
    return outcomes


def _create(
    client: docker.DockerClient,
    plan: StackPlan,
    workspace: Workspace,
    gateway: str,
    folder: Path,
    listen: Listener,
) -> Stack:
    return Stack.create(
        client,
        plan,
        Path(workspace.root),
        gateway_image=gateway,
        stage=folder / "stage",
        on_notice=lambda text: listen(Notice(text)),
    )


def _wrote_too_much(run: Run) -> Finding:
    return Finding(
        code="disk-exceeded",
        severity="error",
        message=msg("The project wrote more than %(n)s MiB to disk.", n=run.assignment.limits.disk_mib),
    )


def chosen_checks(assignment: Assignment, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the wanted checks with all that they need, in rubric order."""
    if not wanted:
        return tuple(c.id for c in assignment.checks)
    needed = set(wanted)
    for spec in reversed(assignment.checks):
        if spec.id in needed:
            needed |= set(spec.needs)
    return tuple(c.id for c in assignment.checks if c.id in needed)


def _all_blocked(run: Run, reason: str, findings: Sequence[Finding]) -> tuple[Outcome, ...]:
    evidence = tuple(Evidence(title=f.message, lines=f.detail) for f in findings if f.severity == "error")
    return tuple(
        Outcome(check=c, verdict="blocked", reason=reason, observed=findings[0].message, evidence=evidence)
        for c in run.checks
    )


def _all_errors(run: Run, error: GraderError) -> tuple[Outcome, ...]:
    run.errors += (str(error),)
    evidence = (Evidence(title=error.remedy, lines=()),) if error.remedy else ()
    reason = IMAGE_MISSING if isinstance(error, ImageMissingError) else "grader-error"
    return tuple(
        Outcome(check=c, verdict="error", reason=reason, observed=error.message, evidence=evidence) for c in run.checks
    )


class Stages:
    """Times the stages and tells whoever listens."""

    def __init__(self, run: Run, listen: Listener) -> None:
        self._run = run
        self.listen = listen

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        """Do `work` as the stage `name` and return what it returns."""
        with self._timed(name):
            return work()

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self.listen(StageBegan(name))
        began = time.monotonic()
        ok = False
        try:
            yield
            ok = True
        finally:
            seconds = time.monotonic() - began
            self._run.stages[name] = round(self._run.stages.get(name, 0.0) + seconds, 3)
            self.listen(StageEnded(name, seconds, ok))
