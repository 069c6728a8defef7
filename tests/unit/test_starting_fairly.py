"""What the pipeline does around a start: the gate, a second try alone, the disk, and the end of every stack."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader import assignments, company, pipeline, policy, stages
from grader.checks import runner
from grader.checks.session import ServiceState
from grader.errors import SubmissionBrokenError
from grader.events import StageBegan, StageEnded
from grader.model.findings import Finding
from grader.model.outcome import Outcome
from grader.model.text import msg
from grader.model.workspace import Workspace
from tests.docker import classes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from grader.events import PipelineEvent

GREETING = assignments.load("greeting", classes.ASSIGNMENTS)
READY = {"api": ServiceState(ready=True)}
SILENT = {"api": ServiceState(ready=False, reason="service-not-ready")}


def broken(code: str) -> SubmissionBrokenError:
    """Return what a start raises that the submission is to blame for."""
    return SubmissionBrokenError(Finding(code=code, severity="error", message=msg("x")))


class Machine:
    """A machine on which stacks are only said to be there: what each start comes to, and what has happened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.happened: list[str] = []
        self.starts: list[Any] = []  # states, or what is raised
        self.exceeded = False
        self.listen: Callable[[PipelineEvent], None] = lambda _event: None
        monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(policy, "judge", lambda *_: SimpleNamespace(findings=()))
        monkeypatch.setattr(company.os, "getloadavg", lambda: (0.0, 0.0, 0.0))

        def engine(planned: stages.Planned) -> stages.Connected:
            return stages.grown(stages.Connected, planned, client=None)

        def images(connected: stages.Connected) -> stages.Bound:
            return stages.grown(stages.Bound, connected, gateway="g")

        def networks(bound: stages.Bound) -> stages.Created:
            self.happened.append("made")
            stack = SimpleNamespace(down=lambda: self.happened.append("down"), info=None)
            disk = SimpleNamespace(exceeded=self.exceeded, close=lambda: None)
            return stages.grown(stages.Created, bound, stack=stack, disk=disk, stop=runner.Stop())

        def build(created: stages.Created) -> stages.Built:
            self.happened.append("build")
            return stages.grown(stages.Built, created, brokers=None)

        def ready(built: stages.Built) -> stages.Served:
            self.happened.append("ready")
            found = self.starts.pop(0)
            if isinstance(found, Exception):
                raise found
            return stages.grown(stages.Served, built, states=found)

        def checks(served: stages.Served) -> stages.Graded:
            self.happened.append("checks")
            outcomes = tuple(Outcome(check=check, verdict="passed") for check in served.run.checks)
            return stages.grown(stages.Graded, served, outcomes=outcomes)

        monkeypatch.setattr(pipeline, "PREPARING", (stages.intake, stages.policy, engine, images))
        monkeypatch.setattr(stages, "networks", networks)
        monkeypatch.setattr(pipeline, "STARTING", (build, ready))
        monkeypatch.setattr(stages, "checks", checks)

    @contextlib.contextmanager
    def gate(self) -> Iterator[None]:
        """Note when it is held."""
        self.happened.append("(")
        try:
            yield
        finally:
            self.happened.append(")")

    def grade(self, *starts: Any, keep: Callable[[stages.Graded], None] | None = None) -> Any:
        """Grade a submission whose starts come to this."""
        self.starts = list(starts)
        options = stages.Options(gate=self.gate, keep=keep)
        return pipeline.grade_taken(
            "ana", lambda to: Workspace(root=str(to), name="ana"), GREETING, self.heard, options
        )

    def heard(self, event: PipelineEvent) -> None:
        """Hand an event on."""
        self.listen(event)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    """A machine with nobody else on it."""
    return Machine(monkeypatch, tmp_path)


def codes(result: Any) -> list[str]:
    """Return the codes of what was found."""
    return [finding.code for finding in result.findings]


def test_the_gate_is_held_while_a_submission_is_built_and_started(machine: Machine) -> None:
    """Not while networks are made, nor during the checks; the stack goes down at the end."""
    result = machine.grade(READY)
    assert machine.happened == ["made", "(", "build", "ready", ")", "checks", "down"]
    assert (result.grade.status, codes(result)) == ("final", [])


def test_a_start_that_fails_on_a_machine_of_its_own_counts(machine: Machine) -> None:
    """Raised or told by a service's state: nobody waits twice, and the stack goes down."""
    result = machine.grade(broken("start-failed"))
    assert {(o.verdict, o.reason) for o in result.outcomes} == {("blocked", "start-failed")}
    assert machine.happened == ["made", "(", "build", "ready", ")", "down"]
    machine.happened.clear()
    machine.grade(SILENT)
    assert machine.happened == ["made", "(", "build", "ready", ")", "checks", "down"]


@pytest.mark.parametrize("first", [broken("start-failed"), broken("build-timeout"), SILENT], ids=str)
def test_a_start_that_fails_beside_others_is_tried_again_alone(machine: Machine, first: Any) -> None:
    """The first stack goes down before the second is made, only the second counts, and the report says so."""
    ended: list[bool] = []
    with contextlib.ExitStack() as neighbour:
        neighbour.enter_context(company.shared())

        def listen(event: PipelineEvent) -> None:
            if isinstance(event, StageEnded) and event.stage == "teardown":
                neighbour.close()  # whoever wants to be alone waits for this
                ended.append(event.ok)

        machine.listen = listen
        result = machine.grade(first, READY)
    once = ["made", "(", "build", "ready", ")"]
    assert machine.happened == [*once, "down", *once, "checks", "down"]
    assert ended == [True, True]
    assert codes(result) == ["start-tried-again"]
    assert {o.verdict for o in result.outcomes} == {"passed"}


def test_a_build_that_fails_beside_others_is_no_matter_of_time(machine: Machine) -> None:
    """It would fail alone too."""
    with company.shared():
        result = machine.grade(broken("build-failed"))
    assert machine.happened.count("made") == 1
    assert codes(result) == ["build-failed"]


def test_what_fails_because_the_disk_was_full_says_so(machine: Machine) -> None:
    """Its containers were taken away, so that whatever else went wrong is no finding."""
    machine.exceeded = True
    result = machine.grade(broken("start-failed"))
    assert codes(result) == ["disk-exceeded"]
    assert machine.happened[-1] == "down"


def test_a_stack_that_is_kept_goes_down_afterwards(machine: Machine) -> None:
    """Whoever keeps it sees it up, with the result; an interruption takes it down as well."""
    seen: list[tuple[bool, str]] = []

    def keep(graded: stages.Graded) -> None:
        seen.append(("down" in machine.happened, graded.result().grade.status))

    machine.grade(READY, keep=keep)
    assert seen == [(False, "final")]
    assert machine.happened[-1] == "down"
    machine.happened.clear()

    def interrupted(_graded: stages.Graded) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        machine.grade(READY, keep=interrupted)
    assert machine.happened[-1] == "down"


def test_each_stage_is_told_in_its_order(machine: Machine) -> None:
    """Whoever listens hears of the teardown too."""
    began: list[str] = []
    machine.listen = lambda event: began.append(event.stage) if isinstance(event, StageBegan) else None
    machine.grade(READY)
    assert began == ["intake", "policy", "engine", "images", "networks", "build", "ready", "checks", "teardown"]
