"""Starts that fail: tried again alone where the machine was busy; and what came to nothing of an early start."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from grader import assignments, company, pipeline
from grader.events import StageBegan, StageEnded
from grader.polling import eventually
from grader.stack import early
from tests.docker import classes
from tests.docker.missing import resolved
from tests.docker.stacks import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import docker

    from grader.events import PipelineEvent

pytestmark = pytest.mark.docker
# It never listens; the contract gives it 15 s.
SILENT = "time.sleep(600)"


def _grade(submission: Path, listen: Callable[[PipelineEvent], None]) -> pipeline.Result:
    found = assignments.load("greeting", classes.ASSIGNMENTS)
    return pipeline.grade(submission, found, listen, pipeline.Options(checks=("greeting.says",)))


def test_a_start_that_fails_beside_others_is_tried_again_alone(tmp_path: Path, engine: docker.DockerClient) -> None:
    """The second one counts, and the report says that there was a first."""
    resolved(engine, ["python:3.13-slim"])
    began: list[str] = []
    with ExitStack() as neighbour:
        neighbour.enter_context(company.shared())

        def listen(event: PipelineEvent) -> None:
            if isinstance(event, StageBegan):
                began.append(event.stage)
            if isinstance(event, StageEnded) and event.stage == "teardown":
                neighbour.close()  # whoever wants to be alone waits for this

        result = _grade(classes.right(tmp_path, "silent", before=SILENT), listen)
    assert began.count("up") == 2
    assert began.count("teardown") == 2
    assert [f.code for f in result.findings if f.code == "start-tried-again"] == ["start-tried-again"]
    assert (result.grade.status, result.grade.score) == ("final", 0)
    assert {o.reason for o in result.outcomes} == {"service-not-ready"}


def test_a_start_that_fails_on_a_machine_of_its_own_counts_at_once(
    tmp_path: Path, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits twice for a program that does not start."""
    resolved(engine, ["python:3.13-slim"])
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(company.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    began: list[str] = []
    result = _grade(
        classes.right(tmp_path, "silent", before=SILENT),
        lambda event: began.append(event.stage) if isinstance(event, StageBegan) else None,
    )
    assert began.count("up") == 1
    assert (result.grade.status, result.grade.score) == ("final", 0)


def test_why_a_program_is_not_run_is_said_in_the_report(tmp_path: Path, engine: docker.DockerClient) -> None:
    """A finding names the file and what to write, and the check that fails says so too."""
    resolved(engine, ["python:3.13-slim"])
    submission = classes.right(tmp_path, "windows", build="COPY start.sh /\nRUN chmod +x /start.sh\n")
    (submission / "start.sh").write_bytes(b"#!/bin/sh\r\nexec python3 -u /app.py\r\n")
    dockerfile = submission / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace('["python3", "-u", "/app.py"]', '["/start.sh"]'))
    result = _grade(submission, lambda _: None)
    (finding,) = [f for f in result.findings if f.code == "service-not-ready"]
    assert (finding.file, finding.line) == ("start.sh", 1)
    assert finding.remedy
    assert finding.remedy.params["path"] == "/start.sh"
    (outcome,) = result.outcomes
    assert (outcome.reason, outcome.observed) == ("service-not-ready", finding.message)
    assert outcome.evidence[0].title == finding.remedy
    assert any("/start.sh" in line for line in outcome.evidence[1].lines)


def test_of_an_early_start_only_what_failed_is_removed(
    engine: docker.DockerClient, image: Callable[[str], str], tmp_path: Path
) -> None:
    """What runs, is still starting, or has done its work, stays as it is."""
    python = image("python:3.13-slim")
    sleeps = ["sleep", "600"]
    check = {"test": ["CMD", "false"], "interval": "1s", "retries": 1}
    services = {
        "works": {"image": python, "command": sleeps},
        "starts": {"image": python, "command": sleeps, "healthcheck": {**check, "interval": "600s"}},
        "done": {"image": python, "command": ["true"]},
        "falls": {"image": python, "command": ["false"]},
        "circles": {"image": python, "command": ["false"], "restart": "always"},
        "ails": {"image": python, "command": sleeps, "healthcheck": check},
    }
    with running(engine, python, tmp_path, services) as stack:

        def troubled() -> bool:
            states = {c.service: c.state() for c in stack.containers()}
            return (
                states["ails"].health == "unhealthy"
                and {states[name].status for name in ("done", "falls")} == {"exited"}
                and states["circles"].status == "restarting"
            )

        eventually(troubled, within=60, what="containers that have failed")
        assert sorted(early.remove_failed(stack)) == ["ails-1", "circles-1", "falls-1"]
        assert [c.name for c in stack.containers()] == ["done-1", "starts-1", "works-1"]
