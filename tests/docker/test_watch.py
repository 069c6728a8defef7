"""A stack that stays up: looked at, and graded again after each change, with what did not change left alone."""

from __future__ import annotations

import threading
import urllib.request
from typing import TYPE_CHECKING

import pytest

from grader import assignments, pipeline
from grader.watch import looking, loop
from grader.watch.attempts import Attempts, FoundationChangedError
from tests.docker import classes
from tests.docker.missing import resolved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model.grade import Result
    from grader.stages import Graded

pytestmark = pytest.mark.docker

TWO = classes.COMPOSE + "  other:\n    build: ./other\n    expose: ['3000']\n"


@pytest.fixture
def folder(tmp_path: Path, engine) -> Path:
    """A submission of two services, each built from a folder of its own."""
    resolved(engine, ["python:3.13-slim"])
    made = classes.right(tmp_path, "ana", compose=TWO.replace("build: .\n", "build: ./api\n", 1))
    other = classes.right(tmp_path, "other")
    for name in ("api", "other"):
        (made / name).mkdir()
        for file in ("app.py", "Dockerfile"):
            (made / name / file).write_text((other / file).read_text())
    return made


def kept_up(folder: Path, work: Callable[[Graded], None]) -> Result:
    options = pipeline.Options(keep=work)
    return pipeline.grade(folder, assignments.load("greeting", classes.ASSIGNMENTS), lambda _event: None, options)


def verdicts(result: Result | None) -> list[str]:
    assert result is not None
    return [o.verdict for o in result.outcomes]


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))


def test_each_change_has_its_verdict_and_only_what_changed_is_new(folder: Path) -> None:
    """Wrong, right again, one that does not build, right again: on one stack."""
    seen: list[list[str]] = []

    def work(graded: Graded) -> None:
        attempts = Attempts(graded, folder)
        ids = {c.service: c.id for c in graded.stack.containers()}
        assert attempts.next(()) is None  # nothing has changed
        edit(folder, "api/app.py", "hola", "chau")
        seen.append(verdicts(attempts.next(())))
        now = {c.service: c.id for c in graded.stack.containers()}
        assert (now["other"] == ids["other"], now["api"] == ids["api"]) == (True, False)
        edit(folder, "api/app.py", "chau", "hola")
        seen.append(verdicts(attempts.next(["greeting.says"])))
        edit(folder, "api/Dockerfile", "CMD", "RUN exit 3\nCMD")
        broken = attempts.next(())
        assert broken is not None
        assert {f.code for f in broken.findings if f.severity == "error"} == {"build-failed"}
        edit(folder, "api/Dockerfile", "RUN exit 3\n", "")
        seen.append(verdicts(attempts.next(())))  # what runs is as before, and the verdict given last was another
        (folder / "api" / "app.py").write_text((folder / "api" / "app.py").read_text() + "# más\n")
        seen.append(verdicts(attempts.next(())))

    first = kept_up(folder, work)
    assert verdicts(first) == ["passed", "passed"]
    assert seen == [["failed", "blocked"], ["passed", "passed"], ["passed", "passed"], ["passed", "passed"]]


def test_a_changed_compose_file_asks_for_a_new_stack(folder: Path) -> None:
    """The running one cannot follow it."""

    def work(graded: Graded) -> None:
        attempts = Attempts(graded, folder)
        edit(folder, "compose.yaml", "expose: ['3000']", "environment: {A: b}")
        with pytest.raises(FoundationChangedError):
            attempts.next(())

    kept_up(folder, work)


def test_the_folder_is_followed_until_a_new_stack_is_needed(folder: Path, tmp_path: Path) -> None:
    """The change of a file is noticed, that of a report is not; `follow` then says what comes next."""
    shown: list[list[str]] = []
    said = threading.Event()

    def show(result: Result | None) -> None:
        shown.append(verdicts(result))
        said.set()

    def student() -> None:
        (folder / "out").mkdir()
        (folder / "out" / "report.html").write_text("ours")
        edit(folder, "api/app.py", "hola", "chau")
        assert said.wait(120)
        edit(folder, "compose.yaml", "expose: ['3000']", "environment: {A: b}")

    def work(graded: Graded) -> None:
        hands = threading.Timer(0.5, student)
        hands.start()
        assert loop.follow(graded, folder, folder / "out", show) is True
        hands.join()

    kept_up(folder, work)
    assert shown == [["failed", "blocked"]]


def test_what_is_kept_up_can_be_looked_at(folder: Path) -> None:
    """Each service's ports are on this machine's loopback, and the commands name containers that are there."""

    def work(graded: Graded) -> None:
        ports = {port.service: port.address for port in looking.open_ports(graded)}
        assert ports.keys() == {"api", "other"}
        for address in ports.values():
            assert urllib.request.urlopen(f"http://{address}/", timeout=10).read() == b"hola"
        names = {c.attrs["Name"].lstrip("/") for c in graded.stack.client.containers.list()}
        for found in looking.commands(graded):
            assert found.lines[0].split()[-1] in names

    kept_up(folder, work)
