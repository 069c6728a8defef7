"""A stack that stays up: looked at, and graded again after each change, with what did not change left alone."""

from __future__ import annotations

import threading
import urllib.request
from typing import TYPE_CHECKING

import pytest

from grader import assignments, pipeline
from grader.watch import looking, loop
from grader.watch.again import FoundationChangedError, Sitting
from tests.docker import classes
from tests.docker.missing import resolved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model.grade import Result
    from grader.pipeline import Live

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


def lingering(folder: Path, work: Callable[[Live], None]) -> Result:
    options = pipeline.Options(linger=work)
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

    def work(live: Live) -> None:
        sitting = Sitting(live, folder)
        ids = {c.service: c.id for c in live.stack.containers()}
        assert sitting.again(()) is None  # nothing has changed
        edit(folder, "api/app.py", "hola", "chau")
        seen.append(verdicts(sitting.again(())))
        now = {c.service: c.id for c in live.stack.containers()}
        assert (now["other"] == ids["other"], now["api"] == ids["api"]) == (True, False)
        edit(folder, "api/app.py", "chau", "hola")
        seen.append(verdicts(sitting.again(["greeting.says"])))
        edit(folder, "api/Dockerfile", "CMD", "RUN exit 3\nCMD")
        broken = sitting.again(())
        assert broken is not None
        assert {f.code for f in broken.findings if f.severity == "error"} == {"build-failed"}
        edit(folder, "api/Dockerfile", "RUN exit 3\n", "")
        seen.append(verdicts(sitting.again(())))  # what runs is as before, and the verdict given last was another
        (folder / "api" / "app.py").write_text((folder / "api" / "app.py").read_text() + "# más\n")
        seen.append(verdicts(sitting.again(())))

    first = lingering(folder, work)
    assert verdicts(first) == ["passed", "passed"]
    assert seen == [["failed", "blocked"], ["passed", "passed"], ["passed", "passed"], ["passed", "passed"]]


def test_a_changed_compose_file_asks_for_a_new_stack(folder: Path) -> None:
    def work(live: Live) -> None:
        sitting = Sitting(live, folder)
        edit(folder, "compose.yaml", "expose: ['3000']", "environment: {A: b}")
        with pytest.raises(FoundationChangedError):
            sitting.again(())

    lingering(folder, work)


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

    def work(live: Live) -> None:
        hands = threading.Timer(0.5, student)
        hands.start()
        assert loop.follow(live, folder, folder / "out", show) is True
        hands.join()

    lingering(folder, work)
    assert shown == [["failed", "blocked"]]


def test_what_is_kept_up_can_be_looked_at(folder: Path) -> None:
    """Each service's ports are on this machine's loopback, and the commands name containers that are there."""

    def work(live: Live) -> None:
        doors = {door.service: door.address for door in looking.doors(live)}
        assert doors.keys() == {"api", "other"}
        for address in doors.values():
            assert urllib.request.urlopen(f"http://{address}/", timeout=10).read() == b"hola"
        names = {c.attrs["Name"].lstrip("/") for c in live.stack.client.containers.list()}
        for found in looking.commands(live):
            assert found.lines[0].split()[-1] in names

    lingering(folder, work)
