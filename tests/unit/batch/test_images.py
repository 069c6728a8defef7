"""An image that nobody can get is said before anything is graded, and costs nobody else a grade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from grader import assignments
from grader.batch import run, worker
from grader.batch.engine import Retries
from grader.batch.events import BatchEvent, Graded, ImageMissing, Queued, TriedAgain
from grader.batch.job import Done, Job, Terms
from grader.batch.journal import Journal
from grader.batch.shelf import Shelf
from grader.batch.worker import Lack
from grader.errors import DockerUnavailableError, ImageMissingError, UnusableImagesError
from grader.model.assignment import Weight
from grader.model.classroom import ClassList
from grader.model.text import literal
from tests.docker import classes
from tests.unit.batch.results import entry, result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TERMS = Terms(batch="b", assignment="greeting", grader="g", rubric="r", weight=Weight(), named=("here", "gone", "x"))
LACK = Lack("debian:latest", literal("it is gone"), literal("bring it back"))
MISSING = result(0, verdict="error", reason="image-missing")
NAMES = ("ana", "luis", "eva")


def graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, lacks: tuple[Lack, ...], end: Callable[[Job], Done]
) -> tuple[list[BatchEvent], list[Terms], dict[str, Any]]:
    """Grade a class in which eva needs another image than the others; return events, what workers were asked, rows."""
    asked: list[Terms] = []
    heard: list[BatchEvent] = []

    def fitness(terms: Terms) -> worker.Fitness:
        asked.append(terms)
        return worker.Fitness(host="h", memory_mib=100_000, cpus=64, lacks=lacks)

    monkeypatch.setattr(worker, "fitness", fitness)
    monkeypatch.setattr(worker, "run", lambda job, _tell: end(job))
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    for name in NAMES:
        made = classes.right(tmp_path, name)
        if name == "eva":
            (made / "Dockerfile").write_text('FROM debian:latest\nCMD ["true"]\n')
    found = ClassList(form="folder", entries=tuple(entry(name, source=str(tmp_path / name)) for name in NAMES))
    assignment = assignments.load("greeting", classes.ASSIGNMENTS)
    with Journal(tmp_path / "journal") as journal:
        options = run.Options(retries=Retries((0.0, 0.0)))
        run.grade_class(assignment, found, journal, tmp_path / "out", options, heard.append)
        rows = {a.entry.student: journal.result(a.content) for a in journal.attempts()}
    return heard, asked, rows


@pytest.mark.usefixtures("socket_enabled")
def test_who_needs_a_missing_image_is_provisional_at_once_and_the_others_are_graded(tmp_path, monkeypatch) -> None:
    """The image is asked for once, and named."""
    began: list[str] = []

    def end(job: Job) -> Done:
        began.append(job.name)
        return Done(result=result(4), host="h", seconds=1.0)

    heard, asked, rows = graded(tmp_path, monkeypatch, lacks=(LACK,), end=end)
    assert [set(terms.named) for terms in asked] == [{"python:3.13-slim", "debian:latest"}]
    assert sorted(began) == ["ana", "luis"]
    states = {name: found.grade.status for name, found in rows.items()}
    assert states == {"ana": "final", "luis": "final", "eva": "provisional"}
    assert {o.reason for o in rows["eva"].outcomes} == {"image-missing"}
    assert all(o.observed == LACK.message for o in rows["eva"].outcomes)
    assert rows["eva"].outcomes[0].evidence[0].title == LACK.remedy
    assert [e for e in heard if isinstance(e, ImageMissing)] == [
        ImageMissing("debian:latest", 1, LACK.message, LACK.remedy)
    ]
    kinds = [type(e) for e in heard]
    assert kinds.index(ImageMissing) < min(kinds.index(Queued), kinds.index(Graded))
    assert TriedAgain not in kinds


@pytest.mark.usefixtures("socket_enabled")
def test_an_image_that_goes_missing_later_is_not_waited_for(tmp_path, monkeypatch) -> None:
    """Removed in between, say: seen by the grading itself, on the only machine that there is."""
    heard, _, rows = graded(
        tmp_path, monkeypatch, lacks=(), end=lambda _job: Done(result=MISSING, host="h", seconds=1.0)
    )
    assert [e for e in heard if isinstance(e, TriedAgain | ImageMissing)] == []
    assert {found.grade.status for found in rows.values()} == {"provisional"}


def test_each_image_is_asked_for_once_and_every_missing_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other would cost a wait each."""
    asked: list[str] = []

    def resolve(_client: object, names: tuple[str, ...], **_: object) -> None:
        asked.extend(names)
        if names != ("here",):
            raise ImageMissingError(literal("no " + names[0]), literal("load it"))

    monkeypatch.setattr(worker.images, "resolve", resolve)
    lacks = worker._lacking(None, TERMS, 2048)  # type: ignore[arg-type]
    assert sorted(asked) == sorted(TERMS.named)
    assert [(lack.name, lack.message, lack.remedy) for lack in lacks] == [
        (name, literal("no " + name), literal("load it")) for name in ("gone", "x")
    ]


def test_without_an_engine_nothing_is_missing_but_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the engine's absence that is said."""

    def resolve(*_: object, **__: object) -> None:
        raise DockerUnavailableError(literal("nobody answers"))

    monkeypatch.setattr(worker.images, "resolve", resolve)
    with pytest.raises(DockerUnavailableError):
        worker._lacking(None, TERMS, 2048)  # type: ignore[arg-type]


def test_a_shelf_gives_back_what_was_put_on_it(tmp_path: Path) -> None:
    """All, or those that need an image."""
    shelf = Shelf(tmp_path)
    assert not shelf
    jobs = [Job(terms=TERMS, content=f"c{n}", name=f"s{n}", data=bytes([n]) * 100) for n in range(3)]
    for job in jobs:
        shelf.put(job, ("a", job.name, "a"))
    assert (len(shelf), shelf.named, shelf.needing("a"), shelf.needing("s1")) == (3, ("a", "s0", "s1", "s2"), 3, 1)
    assert [job for job, _ in shelf.take()] == jobs
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_registry_has_is_left_to_the_grading(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the submission's own fault, which is no reason for anybody else's to wait."""

    def resolve(_client: object, names: tuple[str, ...], **_: object) -> None:
        raise UnusableImagesError(literal("x"), None, dict.fromkeys(names, "absent"))

    monkeypatch.setattr(worker.images, "resolve", resolve)
    assert worker._lacking(None, TERMS, 2048) == ()  # type: ignore[arg-type]
