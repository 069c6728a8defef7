"""The wheel alone, in a folder of its own: every command of the students' page, as it stands there, to its report."""

from __future__ import annotations

import json
import os
import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pytest

from grader import assignments, process
from grader.polling import eventually
from grader.verify.images import images_of
from tests.docker.missing import resolved
from tests.docker.test_grading import left
from tests.pages import ROOT, lines, mentions

if TYPE_CHECKING:
    from pathlib import Path

    import docker

    from tests.wheels import Installed

pytestmark = pytest.mark.docker
pytest_plugins = ["tests.wheels"]

TASK_QUEUE = "rabbitmq-task-queue"
PAGE = ROOT / "docs" / "student.md"
COMMANDS = list(dict.fromkeys(line.argv for line in (*lines(PAGE), *mentions(PAGE))))
PATIENCE_S = 240.0


class Way(NamedTuple):
    """How a command goes. stays: until Ctrl-C."""

    stays: bool = False


WAYS = {
    "list": Way(),
    "--lang en list": Way(),
    "list --lang en": Way(),
    "doctor": Way(),
    "doctor --lang en": Way(),
    "inspect .": Way(),
    "check": Way(),
    "check --lang en": Way(),
    "check --keep": Way(stays=True),
    "check --watch": Way(stays=True),
    "clean": Way(),
}


@pytest.fixture(scope="module")
def desk(installed: Installed, engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Type the page's `grader new`, in Spanish and in English, in an empty folder, and make one of them right."""
    resolved(engine, images_of(assignments.load(TASK_QUEUE)))
    home = tmp_path_factory.mktemp("home")
    env = installed.environment(tmp_path_factory.mktemp("cache"))
    made = [argv for argv in COMMANDS if argv[0] == "new"]
    for argv in made:
        process.run([installed.grader, *argv], deadline_s=30, env=env, cwd=home, check=True)
    folders = [home / folder for _, _, folder in made]
    assert sorted(home.iterdir()) == sorted(folders)
    shutil.copytree(ROOT / "reference_solutions" / TASK_QUEUE / "node", folders[0], dirs_exist_ok=True)
    return folders[0]


@pytest.mark.parametrize("argv", [argv for argv in COMMANDS if argv[0] != "new"], ids=" ".join)
def test_a_command_of_the_students_page(
    argv: tuple[str, ...], desk: Path, installed: Installed, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """It ends with exit code 0, leaves a report and nothing else, and has read nothing of the checkout."""
    way = WAYS[" ".join(argv)]  # a new command of the page says here how it goes
    report = desk / "grader-report"
    shutil.rmtree(report, ignore_errors=True)
    child = process.spawn([installed.grader, *argv], env=installed.environment(tmp_path), cwd=desk)
    try:
        if way.stays:
            eventually(partial(_stays, child), within=PATIENCE_S, what="a stack that stays up until Ctrl-C")
            assert left(engine, child.pid) != []
            os.kill(child.pid, signal.SIGINT)
        done = child.wait(PATIENCE_S)
    finally:
        child.kill()
    assert done.returncode == 0, done.output
    assert "Traceback" not in done.output
    assert left(engine, child.pid) == []
    assert installed.reads.read_text() == ""
    if argv[0] == "check":
        _is_report(report, lang="en" if "en" in argv else "es")


def _stays(child: process.Child) -> bool:
    """Say whether the child has said that it waits for Ctrl-C."""
    assert child.running(), child.output
    return "Ctrl-C" in child.output


def _is_report(folder: Path, *, lang: str) -> None:
    """Look through what `grader check` has written."""
    result = json.loads((folder / "result.json").read_text("utf-8"))
    public = {check.id for check in assignments.load(TASK_QUEUE).checks if check.visibility == "public"}
    outcomes = {check["id"]: check["outcome"] for check in result["checks"]}
    assert outcomes.keys() == public
    assert result["status"] == "final"
    assert set(outcomes.values()) == {"passed"}
    page = (folder / "report.html").read_text("utf-8")
    assert f'<html lang="{lang}">' in page
    assert all(f'id="{lang}-{check}"' in page for check in public)
