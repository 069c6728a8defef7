"""A broker that another distribution brings is graded like ours: a right submission, and one with a mistake."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import docker
import docker.errors
import pytest

from grader import process
from tests import echo
from tests.docker.missing import resolved
from tests.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.docker

IMAGE = "grader.local/example/echo-line:1"
ANSWERS = 'f"did {name}\\n"'


class Graded(NamedTuple):
    """What a grading has written: its exit code, the result and the page."""

    code: int
    result: dict[str, object]
    page: str

    def check(self) -> tuple[object, object]:
        """Return outcome and reason of the only check."""
        (found,) = self.result["checks"]  # type: ignore[misc]
        return found["outcome"], found["reason"]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Iterator[Path]:
    """A Python with the grader of this checkout, what it needs, and the distribution; its image goes in the end."""
    resolved(engine, ["python:3.13-slim"], "equivalent")
    folder = tmp_path_factory.mktemp("with-echo")
    process.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], deadline_s=120, env=None, check=True)
    (packages,) = (p for p in folder.rglob("site-packages") if not p.is_symlink() and "lib64" not in p.parts)
    (packages / "lent.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", "utf-8")
    echo.install(packages)
    yield folder / "bin" / Path(sys.executable).name
    with contextlib.suppress(docker.errors.ImageNotFound):
        engine.images.remove(IMAGE)


def graded(python: Path, submission: Path, out: Path) -> Graded:
    """Grade as a user does, with what is installed there."""
    argv = ["grade", "echo-lines", str(submission), "--assignments", str(echo.ASSIGNMENTS), "--out", str(out)]
    done = process.run(
        [str(python), "-m", "grader", *argv, "--images", "equivalent", "--lang", "en"],
        deadline_s=400,
        env={"PATH": "/usr/bin:/bin", "HOME": str(out.parent), "GRADER_CACHE": str(out.parent / "cache")},
    )
    assert done.returncode in {0, 1}, done.output[-3000:]
    return Graded(
        done.returncode, json.loads((out / "result.json").read_text("utf-8")), (out / "report.html").read_text("utf-8")
    )


def test_a_right_submission_is_graded_right(python: Path, tmp_path: Path) -> None:
    """Its image is built from the package's recipe, its readiness is the package's, and nothing is provisional."""
    found = graded(python, echo.SUBMISSIONS / "right", tmp_path / "out")
    assert (found.code, found.result["status"], found.result["score"]) == (0, "final", 100)
    assert found.check() == ("passed", "")
    assert any(image["name"] == "example/echo-line:1" and image["equivalent"] for image in found.result["images"])  # type: ignore[attr-defined]


def test_a_wrong_one_fails_with_the_packages_code(python: Path, tmp_path: Path) -> None:
    """With its texts and its events, drawn as it says."""
    wrong = tmp_path / "silent"
    shutil.copytree(echo.SUBMISSIONS / "right", wrong)
    worker = wrong / "worker.py"
    text = worker.read_text("utf-8")
    assert text.count(ANSWERS) == 1
    worker.write_text(text.replace(ANSWERS, '"did\\n"'), "utf-8")
    found = graded(python, wrong, tmp_path / "out")
    assert (found.code, found.result["status"], found.result["score"]) == (1, "final", 0)
    assert found.check() == ("failed", "line-unanswered")
    for words in ("Nobody answers a line", "we say to echo:", "echo passes on:", "“did”"):
        assert words in found.page
