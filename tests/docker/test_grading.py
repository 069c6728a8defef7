"""Whole gradings in real Docker: right, wrong and hostile submissions, and interruptions."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import assignments, pipeline, process
from grader.images.endpoint import connect
from grader.polling import eventually
from grader.stack import labels
from grader.verify import subjects
from grader.verify.images import images_of
from grader.verify.judging import problems_of
from tests.docker.missing import resolved

if TYPE_CHECKING:
    import docker

    from grader.model.grade import Result

pytestmark = pytest.mark.docker

TASK_QUEUE = "rabbitmq-task-queue"
GRADER = str(Path(sys.executable).with_name("grader"))


def grade(name: str, tmp_path: Path, *checks: str, of: str = TASK_QUEUE) -> tuple[subjects.Subject, Result]:
    assignment = assignments.load(of)
    with contextlib.closing(connect()) as engine:
        resolved(engine, images_of(assignment))
    subject = subjects.subject(assignment, name)
    folder = tmp_path / name
    subject.lay(folder)
    return subject, pipeline.grade(folder, assignment, lambda _event: None, pipeline.Options(checks=checks))


def cells(result: Result) -> dict[str, tuple[str, str]]:
    return {o.check: (o.verdict, o.reason) for o in result.outcomes}


def errors(result: Result) -> str:
    """Say why the grader itself failed, where it did: a list of checks alone explains nothing."""
    return "; ".join(
        f"{o.check}: {o.observed} {[e.lines for e in o.evidence]}" for o in result.outcomes if o.verdict == "error"
    )


def left(engine: docker.DockerClient, pid: int) -> list[str]:
    """Everything on the engine that one grader process has made; others may be at work there."""
    wanted = {"label": labels.OWNER}
    # what the engine lists, not what it says of each: those of others come and go meanwhile
    found = [(c["Names"][0], c["Labels"]) for c in engine.api.containers(all=True, filters=wanted)]
    found += [(n.name, n.attrs["Labels"]) for n in engine.networks.list(filters=wanted)]
    found += [(v.name, v.attrs["Labels"]) for v in engine.volumes.list(filters=wanted)]
    return [name for name, marks in found if f"/{pid}/" in marks[labels.OWNER]]


@pytest.mark.parametrize(
    ("of", "name"), [(TASK_QUEUE, "python"), ("redis-cache-aside", "node"), ("kafka-consumer-group", "node")]
)
def test_a_reference_passes_every_check(of: str, name: str, tmp_path: Path) -> None:
    """Full marks and full bonus, nothing provisional."""
    subject, result = grade(name, tmp_path, of=of)
    assert problems_of(subject, cells(result)) == (), errors(result)
    assert (result.grade.status, result.grade.score, result.grade.bonus) == ("final", 100, result.grade.max_bonus)
    assert result.stages.keys() >= {"intake", "policy", "build", "ready", "checks", "teardown"}


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (TASK_QUEUE, "ack-first"),
        (TASK_QUEUE, "transient-results"),
        (TASK_QUEUE, "zombie-consumer"),
        ("redis-cache-aside", "map-in-front"),
        ("kafka-consumer-group", "commit-before"),
    ],
)
def test_a_mutant_fails_for_its_own_reason(of: str, name: str, tmp_path: Path) -> None:
    """The rest of the matrix is proven by `grader verify`."""
    subject, result = grade(name, tmp_path, *subjects.subject(assignments.load(of), name).kills, of=of)
    assert problems_of(subject, cells(result)) == (), errors(result)


def test_files_of_a_submission_change_nothing_in_the_checks(tmp_path: Path) -> None:
    """Names that our own process imports, pytest's configuration and a forged result stay what they are: files."""
    assignment = assignments.load(TASK_QUEUE)
    folder = tmp_path / "in the way"
    subjects.subject(assignment, "node").lay(folder)
    evil = "raise SystemExit('the submission ran in the grader')\n"
    for name in (
        "pika.py",
        "redis.py",
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "grader.py",
        "pytest.py",
    ):
        (folder / name).write_text(evil, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n", "utf-8")
    (folder / "result.json").write_text('{"score": 0}', "utf-8")
    result = pipeline.grade(folder, assignment, lambda _event: None, pipeline.Options(checks=("queue.durable",)))
    assert cells(result) == {"queue.durable": ("passed", "")}


def test_ctrl_c_leaves_nothing(tmp_path: Path, engine: docker.DockerClient) -> None:
    """Interrupted in the middle of the checks: exit code 130, no container, network, volume or folder stays."""
    subjects.subject(assignments.load(TASK_QUEUE), "python").lay(tmp_path / "python")
    child = process.spawn(_command(tmp_path), env={**os.environ, "GRADER_CACHE": str(tmp_path / "cache")})
    eventually(lambda: "check-began" in child.output, within=120, what="checks")
    os.kill(child.pid, signal.SIGINT)
    ended = child.wait(60)
    assert ended.returncode == 130, ended.output[-2000:]
    assert "Traceback" not in ended.output
    assert _runs(tmp_path) == []
    assert left(engine, child.pid) == []


def test_what_sigkill_leaves_is_removed_by_the_next_run(tmp_path: Path, engine: docker.DockerClient) -> None:
    """The next command finds the dead run's objects by their labels."""
    subjects.subject(assignments.load(TASK_QUEUE), "python").lay(tmp_path / "python")
    env = {**os.environ, "GRADER_CACHE": str(tmp_path / "cache")}
    child = process.spawn(_command(tmp_path), env=env)
    eventually(lambda: '"ready"' in child.output, within=120, what="a running stack")
    child.kill()
    assert left(engine, child.pid) != []
    cleaned = process.run([GRADER, "clean"], deadline_s=60, env=env)
    assert cleaned.returncode == 0, cleaned.output
    assert left(engine, child.pid) == []
    assert _runs(tmp_path) == []


def test_a_program_can_follow_a_grading(tmp_path: Path) -> None:
    """--json prints one object a line, the result last."""
    folder = tmp_path / "empty"
    folder.mkdir()
    done = process.run(
        [GRADER, "grade", TASK_QUEUE, str(folder), "--out", str(tmp_path / "out"), "--json"], deadline_s=60, env=None
    )
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert done.returncode == 4
    assert [line["type"] for line in lines[:2]] == ["stage-began", "stage-ended"]
    assert (lines[-1]["type"], lines[-1]["status"]) == ("result", "rejected")


def _command(tmp_path: Path) -> list[str]:
    return [GRADER, "grade", TASK_QUEUE, str(tmp_path / "python"), "--out", str(tmp_path / "out"), "--json"]


def _runs(tmp_path: Path) -> list[str]:
    return [p.name for p in (tmp_path / "cache" / "runs").iterdir()]
