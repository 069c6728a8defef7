"""From a stack that is made to services that serve: images built, brokers started meanwhile, the rest, readiness."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import msgspec

from grader import brokers, images, serving
from grader.checks.session import ServiceState
from grader.errors import GraderError, SubmissionBrokenError
from grader.events import Notice
from grader.model.text import msg
from grader.probes.recorder import Recorder
from grader.stack import early, readiness, start_failure
from grader.stack.build.builder import BuildLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.plan import StackPlan
    from grader.pipeline import Run, Stages
    from grader.stack.stack import Stack


def start(run: Run, stage: Stages, stack: Stack, plan: StackPlan) -> dict[str, ServiceState]:
    """Start brokers while images build, then the rest, and wait for readiness.

    Early is only what stands on nothing that is built, in the order of `depends_on`; nothing of it is judged.
    """
    waited_for = [s.name for s in run.assignment.services if brokers.is_evidence(s.role)]
    first = early.startable(plan.compose["services"], waited_for, (b.service for b in plan.builds))
    started = _Background(lambda: stack.up(first, deps=True) if first else None)
    try:
        stage("build", lambda: build(run, stack))
    finally:
        started.join()
    with contextlib.suppress(SubmissionBrokenError):
        started.result()
    for name in early.remove_failed(stack):
        stage.listen(Notice(msg("%(container)s failed while images were built; it is started anew.", container=name)))
    stage("up", lambda: stack.up(None, deps=True))
    return ready(run, stage, stack)


def ready(run: Run, stage: Stages, stack: Stack) -> dict[str, ServiceState]:
    """Wait until the contract's services are ready, and say how each came up."""
    contract = run.assignment.services
    recorder = Recorder(stack.clock)
    probes = {s.name: probe for s in contract if (probe := serving.ready_probe(stack, recorder, s))}
    found = stage("ready", lambda: readiness.wait(stack, probes, within=run.assignment.limits.ready_s))
    states = {
        name: ServiceState(r.ready, "ready" if r.ready else "service-not-ready", r.seconds, r.logs)
        for name, r in found.items()
    }
    for service in contract:
        asked = service.name in found  # a worker shows by its work whether it is ready
        came = states.get(service.name, ServiceState(ready=True))
        if not (asked and came.ready) and (known := start_failure.not_ready(stack, service.name, asked=asked)):
            states[service.name] = msgspec.structs.replace(came, findings=(known,))
    for service in contract:
        state = states.get(service.name)
        if state and state.ready and (reason := serving.refuses(stack, recorder, service)):
            states[service.name] = ServiceState(ready=False, reason=reason)
    return states


def build(run: Run, stack: Stack) -> None:
    """Build the submission's images; what fails for lack of something in a stand-in image of ours is our error."""
    try:
        limits = run.assignment.limits
        stack.build(
            BuildLimits(seconds=limits.build_s, memory_mib=limits.build_memory_mib, disk_mib=limits.build_disk_mib)
        )
    except SubmissionBrokenError as broken:
        lacking = [image for image in run.images if image.equivalent and image.differs]
        if lacking and any(images.LACKS in line for finding in broken.findings for line in finding.detail):
            names = ", ".join(image.name for image in lacking)
            raise GraderError(
                msg("The build needs something that our stand-in for %(images)s does not have.", images=names),
                msg("Grade it where images can be pulled; this says nothing about the submission."),
            ) from broken
        raise


class _Background:
    """Work in a thread beside ours, whose exception is raised when its result is asked for."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._error = error

    def join(self) -> None:
        self._thread.join()

    def result(self) -> None:
        if self._error:
            raise self._error
