"""From a stack that is made to services that serve: images built, brokers started meanwhile, the rest, readiness."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from grader import images, serving
from grader.brokers import is_evidence
from grader.checks.session import ServiceState
from grader.errors import GraderError, SubmissionBrokenError
from grader.model.text import msg
from grader.probes.recorder import Recorder
from grader.stack import early, readiness, start_failure
from grader.stack.image_build.builder import BuildLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grader.model.assignment import ContractService, Limits
    from grader.model.findings import Finding
    from grader.model.grade import ResolvedImage
    from grader.model.plan import StackPlan
    from grader.stack.stack import Stack


def brokers(stack: Stack, plan: StackPlan) -> Background:
    """Start brokers, beside whatever else is done: those that stand on nothing that is built.

    In the order of `depends_on`. Nothing of it is judged: what it raises is forgotten.
    """
    under_test = [s.name for s in plan.contract if is_evidence(s.role)]
    first = early.startable(plan.compose["services"], under_test, (b.service for b in plan.builds))
    return Background(lambda: stack.up(first, deps=True) if first else None)


def ready(stack: Stack, contract: Sequence[ContractService], within: float) -> dict[str, ServiceState]:
    """Wait until the contract's services are ready, so many seconds at most, and say how each came up."""
    recorder = Recorder(stack.clock)
    probes = {s.name: probe for s in contract if (probe := serving.ready_probe(stack, recorder, s))}
    found = readiness.wait(stack, probes, within=within)
    states = {
        name: ServiceState(r.ready, "ready" if r.ready else "service-not-ready", r.seconds, r.logs)
        for name, r in found.items()
    }
    for service in contract:
        asked = service.name in found  # a worker shows by its work whether it is ready
        came = states.get(service.name, ServiceState(ready=True))
        if not (asked and came.ready) and (known := _said(stack, service.name, asked=asked)):
            states[service.name] = msgspec.structs.replace(came, findings=(known,))
    for service in contract:
        state = states.get(service.name)
        if state and state.ready and (reason := serving.refuses(stack, recorder, service)):
            states[service.name] = ServiceState(ready=False, reason=reason)
    return states


def build(stack: Stack, limits: Limits, used: Sequence[ResolvedImage]) -> None:
    """Build the submission's images; what fails for lack of something in a stand-in image of ours is our error."""
    try:
        stack.build(
            BuildLimits(seconds=limits.build_s, memory_mib=limits.build_memory_mib, disk_mib=limits.build_disk_mib)
        )
    except SubmissionBrokenError as broken:
        lacking = [image for image in used if image.equivalent and image.differs]
        if lacking and any(images.LACKS in line for finding in broken.findings for line in finding.detail):
            names = ", ".join(image.name for image in lacking)
            raise GraderError(
                msg("The build needs something that our stand-in for %(images)s does not have.", images=names),
                msg("Grade it where images can be pulled; this says nothing about the submission."),
            ) from broken
        raise


def _said(stack: Stack, service: str, *, asked: bool) -> Finding | None:
    return start_failure.not_ready(stack.containers(service), stack.sources, service, asked=asked)


class Background:
    """Work in a thread beside ours. What the submission's own fault is in it comes to nothing."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except SubmissionBrokenError:
            pass
        except BaseException as error:
            self._error = error

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def result(self) -> None:
        """Wait for its end, and raise what it has raised."""
        self.join()
        if self._error:
            raise self._error
