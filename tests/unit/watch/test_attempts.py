"""Attempts on a stack that stays up: which stages run again, and what of the first attempt stands in for the others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from grader import assignments, binding, pipeline, stages, starting
from grader.checks import runner
from grader.errors import SubmissionBrokenError
from grader.events import StageBegan
from grader.model.findings import Finding
from grader.model.grade import ResolvedImage
from grader.model.outcome import Outcome
from grader.model.text import msg
from grader.receiving import receive
from grader.run import Run
from grader.stack.info import GatewayInfo, StackInfo
from grader.watch.attempts import Attempts, FoundationChangedError
from tests.docker import classes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from grader.events import PipelineEvent
    from grader.model.plan import Build

GREETING = assignments.load("greeting", classes.ASSIGNMENTS)
ALL = tuple(spec.id for spec in GREETING.checks)


class Up:
    """A stack that is up: it notes what it is told to do."""

    def __init__(self) -> None:
        gateway = GatewayInfo(container="g", image="i", host="127.0.0.1", port=1, user="u", password="p")
        self.info = StackInfo(
            project="p",
            run="r",
            epoch=0.0,
            endpoint="e",
            stage="/x",
            compose_file="/x/y",
            compose_binary="c",
            gateway=gateway,
            services={},
            networks={},
        )
        self.told: list[object] = []

    def change(self, builds: Sequence[Build], _workspace: Path) -> None:
        self.told.append(("built from", [build.service for build in builds]))

    def up(self, services: Sequence[str], **how: object) -> None:
        self.told.append(("up", services, how["recreate"]))


class Seat:
    """A first attempt that was graded, and what the stages of further ones did."""

    def __init__(self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[PipelineEvent] = []
        self.parts: list[tuple[str, ...]] = []
        self.broken = False
        self.stack = Up()

        def had(_client: object, plan: Any, *_: object) -> dict[str, ResolvedImage]:
            names = (*plan.images, binding.GATEWAY_IMAGE)
            return {name: ResolvedImage(name=name, reference=f"{name}@x") for name in names}

        def build(*_: object) -> None:
            if self.broken:
                raise SubmissionBrokenError(Finding(code="build-failed", severity="error", message=msg("x")))

        def run(session: Any, *_: object) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
            self.parts.append(session.checks)
            return tuple(Outcome(check=check, verdict="passed") for check in session.checks), ()

        monkeypatch.setattr(binding, "resolved", had)
        monkeypatch.setattr(starting, "build", build)
        monkeypatch.setattr(starting, "ready", lambda *_: {})
        monkeypatch.setattr(runner, "run", run)
        folder = tmp_path / "grading"
        folder.mkdir()
        made = Run(assignment=GREETING, submission="ana", seed=1, checks=ALL)
        given = stages.Given(
            run=made, listen=self.events.append, options=stages.Options(), folder=folder, take=partial(receive, source)
        )
        standing = {
            "engine": lambda planned: stages.grown(stages.Connected, planned, client=None),
            "networks": lambda bound: stages.grown(
                stages.Graded, bound, stack=self.stack, disk=None, stop=None, brokers=None, states={}, outcomes=()
            ),
        }
        graded = pipeline.through((*pipeline.PREPARING, stages.networks), given, standing)
        self.attempts = Attempts(graded, source)
        self.events.clear()

    def began(self) -> list[str]:
        """Return the stages that began since this was asked last."""
        names = [event.stage for event in self.events if isinstance(event, StageBegan)]
        self.events.clear()
        return names


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A submission that greets."""
    return classes.right(tmp_path, "ana")


@pytest.fixture
def seat(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    """The same, graded once."""
    return Seat(source, tmp_path, monkeypatch)


def test_what_did_not_change_is_not_graded(seat: Seat) -> None:
    """The files are read and judged, and nothing is touched that runs."""
    assert seat.attempts.next(()) is None
    assert seat.began() == ["intake", "policy", "images"]
    assert seat.stack.told == []


def test_a_change_is_built_and_started_anew_and_what_failed_is_checked_first(seat: Seat, source: Path) -> None:
    """In the order of the first grading, with the connection and the stack that stand; outcomes in rubric order."""
    (source / "app.py").write_text("# otro\n")
    result = seat.attempts.next(ALL[-1:])
    assert seat.began() == ["intake", "policy", "images", "build", "up", "ready", "checks"]
    assert seat.stack.told == [("built from", ["api"]), ("up", ["api"], True)]
    assert seat.parts == [ALL[-1:], ALL[:-1]]
    assert result is not None
    assert tuple(o.check for o in result.outcomes) == ALL
    assert list(result.stages) == ["intake", "policy", "images", "build", "up", "ready", "checks"]
    assert seat.attempts.next(()) is None


def test_what_does_not_build_and_is_put_back_is_judged_again_as_it_runs(seat: Seat, source: Path) -> None:
    """What runs is what was built last; the verdict given last was another."""
    before = (source / "app.py").read_text()
    (source / "app.py").write_text("# otro\n")
    seat.broken = True
    result = seat.attempts.next(())
    assert result is not None
    assert {o.reason for o in result.outcomes} == {"build-failed"}
    (source / "app.py").write_text(before)
    seat.broken = False
    seat.began()
    seat.stack.told.clear()
    assert seat.attempts.next(()) is not None
    assert seat.began() == ["intake", "policy", "images", "ready", "checks"]
    assert seat.stack.told == []


def test_what_came_to_nothing_after_the_start_is_built_anew_whatever_comes_next(
    seat: Seat, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows what runs then, so that files put back are no reason to leave it alone."""
    before = (source / "app.py").read_text()
    (source / "app.py").write_text("# otro\n")

    def fails(*_: object) -> None:
        raise SubmissionBrokenError(Finding(code="start-failed", severity="error", message=msg("x")))

    with monkeypatch.context() as broken:
        broken.setattr(starting, "ready", fails)
        assert seat.attempts.next(()) is not None
    (source / "app.py").write_text(before)
    assert seat.attempts.next(()) is not None
    assert seat.stack.told[-1] == ("up", ["api"], True)


def test_another_compose_file_asks_for_a_new_stack(seat: Seat, source: Path) -> None:
    """A running stack cannot follow it."""
    (source / "compose.yaml").write_text(classes.COMPOSE + "    environment: {A: b}\n")
    with pytest.raises(FoundationChangedError):
        seat.attempts.next(())
