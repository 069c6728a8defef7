"""The stages of a grading: each a function of what the one before it returned. `pipeline` knows their order.

What a stage returns is what it was given and what it has added. The functions are called as reports and events call
the stages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import docker
import msgspec

from grader import binding, catalogue, starting
from grader import policy as policies
from grader.checks import runner
from grader.checks.session import ServiceState, Session
from grader.events import Listener, Notice
from grader.images import Mode
from grader.images.endpoint import connect
from grader.model.outcome import Outcome
from grader.model.plan import Build, StackPlan
from grader.model.text import msg
from grader.model.workspace import Workspace
from grader.run import Run
from grader.stack import early
from grader.stack.disk import DiskWatch
from grader.stack.stack import Stack

if TYPE_CHECKING:
    from grader.model.grade import Result


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to grade.

    checks: ids to run, with what they need (empty: all). seed: None for a new one. images: pull or build.
    gate: held while images are built and services start, the time in which a submission needs the machine most.
    keep: called with the stack still up after it was graded; it goes down when that returns.
    """

    checks: tuple[str, ...] = ()
    seed: int | None = None
    images: Mode = "auto"
    gate: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    keep: Callable[[Graded], None] | None = None


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the first stage is given.

    take: puts the submission into the new folder that it is given, and raises what `intake.take` raises. folder: of
    the grading's own. first: checks that are run before the others.
    """

    run: Run
    listen: Listener
    options: Options
    folder: Path
    take: Callable[[Path], Workspace]
    first: frozenset[str] = frozenset()


class Taken(Given, frozen=True, kw_only=True):
    """A clean copy of the submission."""

    workspace: Workspace


class Planned(Taken, frozen=True, kw_only=True):
    """What would run. plan: from the stage `images` on bound to images."""

    plan: StackPlan


class Connected(Planned, frozen=True, kw_only=True):
    """A connection to the engine."""

    client: docker.DockerClient


class Bound(Connected, frozen=True, kw_only=True):
    """All images are there. gateway: the reference of the gateway's."""

    gateway: str


class Created(Bound, frozen=True, kw_only=True):
    """Networks, volumes and gateway are there.

    disk: the watch on what the stack writes. stop: ends its checks. changed: what is built of a stack that runs
    already, and started anew; None for all of one that does not.
    """

    stack: Stack
    disk: DiskWatch
    stop: runner.Stop
    changed: tuple[Build, ...] | None = None


class Built(Created, frozen=True, kw_only=True):
    """The submission's images are there. brokers: those that are started meanwhile."""

    brokers: starting.Background | None


class Served(Built, frozen=True, kw_only=True):
    """The services were started. states: how each came up, from the stage `ready` on."""

    states: dict[str, ServiceState]


class Graded(Served, frozen=True, kw_only=True):
    """A stack that was graded and is still up."""

    outcomes: tuple[Outcome, ...]

    def result(self) -> Result:
        """Return what has been found so far as a result."""
        return self.run.result(self.outcomes)


_S = TypeVar("_S", bound=Given)


def grown(kind: type[_S], before: Given, **new: Any) -> _S:
    """Return what was there before, and what is new, as what the next stage takes."""
    old = {name: getattr(before, name) for name in before.__struct_fields__ if name in kind.__struct_fields__}
    return kind(**old | new)


def intake(given: Given) -> Taken:
    """Take the submission in."""
    workspace = given.take(given.folder / "workspace")
    given.run.findings += workspace.findings
    given.run.submission = workspace.name
    return grown(Taken, given, workspace=workspace)


def policy(taken: Taken) -> Planned:
    """Judge the compose file and write it anew."""
    plan = policies.judge(taken.workspace, taken.run.assignment, catalogue.load())
    taken.run.findings += plan.findings
    return grown(Planned, taken, plan=plan)


def engine(planned: Planned) -> Connected:
    """Connect to Docker."""
    client = connect()
    planned.run.versions = {"engine": str(client.version().get("Version", "?"))}
    return grown(Connected, planned, client=client)


def images(connected: Connected) -> Bound:
    """Have every image that the plan names, and bind it to them."""
    run, client, plan, limits = connected.run, connected.client, connected.plan, connected.run.assignment.limits
    had = binding.resolved(client, plan, limits, connected.options.images, connected.listen)
    run.images = tuple(had[name] for name in dict.fromkeys(plan.images))
    judged = binding.judged(client, plan, had, limits)
    run.findings += tuple(finding for finding in judged.findings if finding not in plan.findings)
    gateway = had[binding.GATEWAY_IMAGE].reference
    return grown(Bound, connected, plan=policies.bind(judged, had), gateway=gateway)


def networks(bound: Bound) -> Created:
    """Make networks, volumes and gateway, and watch what is written from then on."""
    stack = Stack.create(
        bound.client,
        bound.plan,
        Path(bound.workspace.root),
        gateway_image=bound.gateway,
        stage=bound.folder / "stage",
        on_notice=lambda text: bound.listen(Notice(text)),
    )
    stop = runner.Stop()
    limit = bound.run.assignment.limits.disk_mib
    disk = DiskWatch(stack, limit_mib=limit, on_exceeded=lambda: stop.now("disk-exceeded"))
    return grown(Created, bound, stack=stack, disk=disk, stop=stop)


def build(created: Created) -> Built:
    """Build what is to be built; brokers that stand on nothing of it are started meanwhile."""
    brokers = None
    if created.changed is None:
        brokers = starting.brokers(created.stack, created.plan)
    try:
        starting.build(created.stack, created.run.assignment.limits, created.run.images)
    except BaseException:
        if brokers:
            brokers.join()
        raise
    return grown(Built, created, brokers=brokers)


def up(built: Built) -> Served:
    """Start the services, those whose early start came to nothing too."""
    if built.brokers:
        built.brokers.result()
        for name in early.remove_failed(built.stack):
            text = msg("%(container)s failed while images were built; it is started anew.", container=name)
            built.listen(Notice(text))
    if built.changed is None:
        built.stack.up(None, deps=True)
    else:
        services = [build.service for build in built.changed]
        built.stack.up(services, deps=False, recreate=True, grace_s=0)
    return grown(Served, built, states={})


def ready(served: Served) -> Served:
    """Wait until the contract's services are ready."""
    within = served.run.assignment.limits.ready_s
    return grown(Served, served, states=starting.ready(served.stack, served.plan.contract, within))


def checks(served: Served) -> Graded:
    """Run the checks, each part of them in a process of its own."""
    run = served.run
    run.found([finding for state in served.states.values() for finding in state.findings])
    first = tuple(check for check in run.checks if check in served.first)
    rest = tuple(check for check in run.checks if check not in served.first)
    found: dict[str, Outcome] = {}
    for part in filter(None, (first, rest)):
        session = Session(
            stack=served.stack.info,
            assignment=msgspec.structs.replace(run.assignment, services=served.plan.contract),
            checks=part,
            services=served.states,
            findings=run.findings,
            seed=run.seed,
        )
        folder = served.folder / f"checks-{len(found)}"
        folder.mkdir()
        outcomes, errors = runner.run(session, folder, served.listen, served.stop)
        found |= {outcome.check: outcome for outcome in outcomes}
        run.errors += errors
    return grown(Graded, served, outcomes=tuple(found[check] for check in run.checks))


def teardown(created: Created) -> None:
    """Remove everything of the stack."""
    created.disk.close()
    created.stack.down()
