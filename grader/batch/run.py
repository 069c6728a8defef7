"""Grades a class: takes each submission in, asks the journal, has the rest graded, writes down what comes."""

from __future__ import annotations

import contextlib
import datetime
import platform
import secrets
from collections import deque
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from grader import catalogue, digests, intake, paths, pipeline, policy, scratch
from grader.batch import content, similarity
from grader.batch.cluster import Cluster
from grader.batch.engine import Ended, Engine, Retries
from grader.batch.events import ClassRead, Graded, ImageMissing, Remark
from grader.batch.gradebook import Rules, counting, report_of
from grader.batch.job import Job, Terms
from grader.batch.journal import Attempt, Journal, Key
from grader.batch.place import Place
from grader.batch.shelf import Shelf
from grader.batch.writing import writing
from grader.errors import GraderError, ImageMissingError, SubmissionError, SubmissionRefusedError, UsageError
from grader.exports import result_json
from grader.images import Mode
from grader.model.classroom import Mark, Summary
from grader.model.text import msg
from grader.presentation.audience import redacted
from grader.receiving import receive
from grader.reports import html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.batch.events import Listener
    from grader.batch.worker import Lack
    from grader.model.assignment import Assignment
    from grader.model.classroom import ClassList, Entry
    from grader.model.grade import Result
    from grader.model.workspace import Workspace


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to grade a class. force: grade again what the journal knows. lang: of the reports."""

    place: Place = Place()
    rules: Rules = Rules()
    retries: Retries = Retries()
    force: bool = False
    images: Mode = "auto"
    seed: int | None = None
    lang: str = "es"


def grade_class(
    assignment: Assignment, found: ClassList, journal: Journal, out: Path, options: Options, listen: Listener
) -> None:
    """Grade every attempt that counts and is not in the journal; raises GraderError when nobody can grade.

    out: the folder for the students' reports.
    """
    journal.place(found.entries)
    run = _Class(assignment, journal, out, options, listen)
    wanted = run.wanted()
    students = len({e.student for e in found.entries})
    listen(ClassRead(form=found.form, students=students, attempts=len(wanted)))
    run.grade(wanted)


def summary_of(result: Result, *, seconds: float, host: str, tries: int) -> Summary:
    """Return what statistics need of a result."""
    outcomes = result.outcomes
    at_once = bool(outcomes) and all(o.verdict == "blocked" and not o.blocked_by for o in outcomes)
    return Summary(
        status=result.grade.status,
        score=result.grade.score,
        max_score=result.grade.max_score,
        bonus=result.grade.bonus,
        max_bonus=result.grade.max_bonus,
        checks={
            o.check: Mark(
                verdict=o.verdict,
                reason=o.reason,
                points=result.grade.points.get(o.check, 0),
                seconds=round(max(0.0, o.ended - o.began), 3),
            )
            for o in outcomes
        },
        failure=outcomes[0].reason if at_once else "",
        started_at=result.started_at,
        seconds=round(seconds, 1),
        errors=len(result.errors),
        tries=tries,
        host=host,
        seed=result.seed,
    )


class _Class:
    """One run over a class."""

    def __init__(self, assignment: Assignment, journal: Journal, out: Path, options: Options, listen: Listener) -> None:
        self._assignment = assignment
        self._journal = journal
        self._out = out
        self._options = options
        self._listen = listen
        directory = Path(assignment.directory)
        self._terms = Terms(
            batch=secrets.token_hex(8),
            assignment=assignment.id,
            grader=digests.of_grader(),
            rubric=digests.of_rubric(directory, assignment.version),
            weight=assignment.weight,
            images=options.images,
            among=bool(options.place.scheduler),
        )
        self._catalogue = catalogue.load()
        self._given = similarity.runs(directory / "starter")
        self._by_content: dict[str, list[Attempt]] = {}
        self._ended: set[str] = set()
        self._left = 0

    def wanted(self) -> list[Attempt]:
        """Return the attempts that count."""
        by_student = groupby(self._journal.attempts(), key=lambda a: a.entry.student)
        return [a for _, attempts in by_student for a in counting(attempts, self._options.rules.which)]

    def grade(self, wanted: list[Attempt]) -> None:
        self._left = len(wanted)
        with scratch.folder("shelf", paths.cache()) as folder:
            shelf = Shelf(folder)
            away = [attempt for attempt in wanted if not self._read(attempt, shelf)]
            if not shelf and not away:
                return  # the journal knows all of them: nobody has to be asked
            self._terms = msgspec.structs.replace(self._terms, named=shelf.named)
            if shelf.named:
                self._listen(Remark(msg("Images that the class needs: %(names)s", names=", ".join(shelf.named))))
            with Cluster(self._options.place, self._terms, self._listen) as cluster:
                engine = Engine(cluster, self._listen, self._options.retries)
                # closed at once when something is raised here: its gradings end before the cluster does
                with contextlib.closing(engine.run(self._jobs(shelf, away, cluster))) as ends:
                    for ended in ends:
                        self._landed(ended)

    def _read(self, attempt: Attempt, shelf: Shelf) -> bool:
        """Take one submission in, and onto the shelf if it has to be graded; False if it could not be read by us."""
        try:
            job, images = self._taken(attempt.entry)
        except SubmissionRefusedError as refused:
            self._without_stack(attempt, refused, 1)
        except GraderError:
            return False
        else:
            if self._is_first(job, attempt):
                shelf.put(job, images)
        return True

    def _jobs(self, shelf: Shelf, away: list[Attempt], cluster: Cluster) -> Iterator[Job]:
        """Yield what has to be graded, for which there are images; begun when somebody can grade.

        What could not be read for a reason of ours (a server that is away) is tried again after all others.
        """
        for lack in cluster.lacks().values():
            self._listen(ImageMissing(lack.name, shelf.needing(lack.name), lack.message, lack.remedy))
        for job, images in shelf.take():
            lacks = cluster.lacks()
            if missing := [lacks[name] for name in images if name in lacks]:
                self._without_image(job, missing[0])
            else:
                yield msgspec.structs.replace(job, terms=self._terms)
        waiting = deque((attempt, 2) for attempt in away)
        while waiting:
            attempt, tries = waiting.popleft()
            try:
                job, _ = self._taken(attempt.entry)
            except SubmissionRefusedError as refused:
                self._without_stack(attempt, refused, tries)
            except GraderError as error:
                if tries <= len(self._options.retries.back_off_s):
                    waiting.append((attempt, tries + 1))
                else:
                    self._without_stack(attempt, error, tries)
            else:
                if self._is_first(job, attempt):
                    yield job

    def _taken(self, entry: Entry) -> tuple[Job, tuple[str, ...]]:
        """Take one submission in and note its content; return also the images that it needs."""
        source = entry.source if intake.is_address(entry.source) else Path(entry.source)
        with scratch.folder("class", paths.cache()) as folder:
            workspace = receive(source, folder / "workspace")
            root = Path(workspace.root)
            data = content.pack(root)
            name = content.digest(data)
            self._journal.read(entry, name, similarity.sketch(root, self._given))
            images = self._images(workspace)
        job = Job(
            terms=self._terms,
            content=name,
            name=entry.student,
            data=data,
            findings=workspace.findings,
            seed=self._options.seed,
        )
        return job, images

    def _images(self, workspace: Workspace) -> tuple[str, ...]:
        try:
            return policy.judge(workspace, self._assignment, self._catalogue).images
        except (SubmissionError, UsageError):  # its grading says so
            return ()

    def _is_first(self, job: Job, attempt: Attempt) -> bool:
        """Say whether this content has to be graded; the same files wait for, or have, the first one's result."""
        same = self._by_content.setdefault(job.content, [])
        same.append(attempt)
        ended = job.content in self._ended
        if not ended and len(same) > 1:
            return False
        known = self._journal.known(self._key(job.content))
        if known is None or not (ended or (known.status != "provisional" and not self._options.force)):
            return True
        self._ended.add(job.content)
        self._tell(job.content, known, [attempt], None)
        return False

    def _without_stack(self, attempt: Attempt, error: SubmissionRefusedError | GraderError, tries: int) -> None:
        """Give what could not be taken in its result: refused, or provisional if that is our fault."""
        entry = attempt.entry
        result = _of_error(entry.student, error, self._assignment)
        name = "refused-" + digests.of_texts(entry.student, *(repr(f) for f in result.findings))
        self._journal.read(entry, name)
        self._by_content[name] = [attempt]
        self._keep(name, result, seconds=0.0, host=platform.node(), tries=tries)

    def _without_image(self, job: Job, lack: Lack) -> None:
        """Give what needs an image that nobody can get its result: provisional, and no try mends that."""
        result = _of_error(job.name, ImageMissingError(lack.message, lack.remedy), self._assignment)
        result = msgspec.structs.replace(result, findings=job.findings)
        self._keep(job.content, result, seconds=0.0, host=platform.node(), tries=1)

    def _landed(self, ended: Ended) -> None:
        result = ended.done.result
        if result is None:
            why = ended.aside or msg("The grader itself failed.")
            result = _of_error(ended.job.name, GraderError(why), self._assignment)
            result = msgspec.structs.replace(
                result, findings=ended.job.findings, errors=(*result.errors, ended.done.output)
            )
        # a worker's folders are not ours
        result = msgspec.structs.replace(result, assignment=self._assignment)
        done = ended.done
        self._keep(ended.job.content, result, seconds=done.seconds, host=done.host, tries=ended.tries)

    def _keep(self, found: str, result: Result, *, seconds: float, host: str, tries: int) -> None:
        """Write a result down, for everybody who handed this content in."""
        summary = summary_of(result, seconds=seconds, host=host, tries=tries)
        self._journal.write(self._key(found), summary, _audit(result, summary, self._terms), result)
        self._ended.add(found)
        self._tell(found, summary, self._by_content[found], result)

    def _tell(self, found: str, summary: Summary, attempts: list[Attempt], result: Result | None) -> None:
        """Write the pages of those who handed this content in, and tell the listener.

        result: a new one; None when the journal had it, and pages that are there already may stay.
        """
        cached = result is None
        pages = f"{found}/{self._options.lang}"
        stale = [a for a in attempts if not cached or a.pages != pages or not (self._out / report_of(a.entry)).exists()]
        if stale and (result := result or self._journal.result(found)):
            for attempt in stale:
                with writing(self._out):
                    write_reports(result, attempt.entry, self._out, lang=self._options.lang)
                self._journal.wrote_pages(attempt.entry, pages)
        self._left -= len(attempts)
        students = tuple(a.entry.student for a in attempts)
        self._listen(
            Graded(content=found, name=students[0], students=students, summary=summary, cached=cached, left=self._left)
        )

    def _key(self, found: str) -> Key:
        return Key(found, self._terms.rubric, self._terms.grader)


def write_reports(result: Result, entry: Entry, out: Path, *, lang: str) -> None:
    """Write an attempt's pages: `report.html` for the teacher, `feedback.html` for the student, and `result.json`."""
    report = out / report_of(entry)
    report.parent.mkdir(parents=True, exist_ok=True)
    result = msgspec.structs.replace(result, submission=entry.student)
    whole = redacted(result, "instructor")
    html.write(whole, report, lang=lang)
    html.write(redacted(result, "student"), report.with_name("feedback.html"), lang=lang)
    result_json.write(whole, report.with_name("result.json"), lang=lang)


def _of_error(name: str, error: SubmissionRefusedError | GraderError, assignment: Assignment) -> Result:
    def fail(_into: Path) -> NoReturn:
        raise error

    return pipeline.grade_taken(name, fail, assignment, lambda _event: None)


def _audit(result: Result, summary: Summary, terms: Terms) -> dict[str, Any]:
    """Return the line of the audit: all that this grade came from."""
    return {
        "assignment": result.assignment.id,
        "rubric": terms.rubric,
        "grader": terms.grader,
        "versions": result.versions,
        "images": [
            {"name": i.name, "reference": i.reference, "digest": i.digest, "equivalent": i.equivalent}
            for i in result.images
        ],
        "seed": summary.seed,
        "started_at": summary.started_at,
        "graded_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": summary.seconds,
        "host": summary.host,
        "tries": summary.tries,
        "status": summary.status,
        "score": summary.score,
    }
