"""The calls of `gh` that publish one result: as a release of the student's repository, or as a check run.

A release needs only the account of somebody who may write to the repository, holds the whole report, and students read
it in their browser. Students who may write can change or delete it; the journal stays what counts, and the same command
writes it again. A check run stands at the commit, with annotations, and can be changed by nobody else; GitHub takes it
from an App's token only (GH_TOKEN), never from a person's.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from grader import atomic, untrusted
from grader.exports import gradebook, markdown, result_json
from grader.exports.sarif import uri
from grader.exports.shown import shown, text_of
from grader.github import gh
from grader.model.text import Text, msg
from grader.presentation.audience import redacted
from grader.presentation.words import STATUSES, number
from grader.reports import html

if TYPE_CHECKING:
    from pathlib import Path

    from grader.github.publications import Publication

PublishedAs = Literal["release", "check"]
ROOM: Final = 60_000  # bytes; GitHub's limits are 65,535 characters for a check run and 125,000 for a release
MAX_ANNOTATIONS: Final = 50  # of one call
_CONCLUSIONS: Final = {"final": "success", "provisional": "neutral", "rejected": "failure"}
_LEVELS: Final = {"error": "failure", "warning": "warning", "notice": "notice"}
_NOT_THERE: Final = "release not found"


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """What is called, by argument lists of `gh`.

    look: asks whether it is there (empty: no question); first: when it is not; present: when it is. files: what the
    calls read, as text for the dry run.
    """

    student: str
    repository: str
    look: tuple[str, ...] = ()
    first: tuple[tuple[str, ...], ...] = ()
    present: tuple[tuple[str, ...], ...] = ()
    files: dict[str, str] = {}
    trouble: Text | None = None


def calls(publication: Publication, form: PublishedAs, scratch: Path, lang: str) -> Calls:
    """Return the calls of one publication; the files that they read are written into a folder of `scratch`."""
    folder = scratch / publication.student
    seen = redacted(publication.result, "student")
    notes = markdown.text(seen, lang=lang, room=ROOM, remarks=_remarks(publication, lang))
    if form == "check":
        return _check(publication, folder, notes.decode(), lang)
    return _release(publication, folder, notes, lang)


def described(planned: Calls) -> str:
    """Return what would be called, as a person or a shell reads it, and what the files hold."""
    lines = [f"# {planned.student} -> {planned.repository}"]
    if planned.look:
        lines += [_shell(planned.look), "# if it is not there:"]
    lines += [_shell(call) for call in planned.first]
    if planned.present:
        lines += ["# if it is:", *(_shell(call) for call in planned.present)]
    for name, content in planned.files.items():
        lines += [f"# {name}:", *(f"#   {untrusted.for_log(line)}" for line in content.splitlines())]
    if planned.trouble:
        lines.append(f"# {untrusted.rendered(planned.trouble, 'en')}")
    return "\n".join(lines)


def send(planned: Calls) -> Text | None:
    """Make the calls; return what went wrong, None if nothing did."""
    if planned.trouble:
        return planned.trouble
    todo = planned.first
    if planned.look:
        looked = gh.call(planned.look)
        if looked.returncode == 0:
            todo = planned.present
        elif _NOT_THERE not in looked.output:
            return _trouble(planned, looked.output)
    for call in todo:
        completed = gh.call(call)
        if completed.returncode != 0:
            return _trouble(planned, completed.output)
    return None


def _release(publication: Publication, folder: Path, notes: bytes, lang: str) -> Calls:
    notes_file, report = folder / "notes.md", folder / "report.html"
    atomic.write(notes_file, notes)
    html.write(redacted(publication.result, "student"), report, lang=lang)
    tag, to = f"grade-{publication.result.assignment.id}", ("--repo", publication.repository)
    about = ("--title", _title(publication, lang), "--notes-file", str(notes_file))
    target = ("--target", publication.commit) if publication.commit else ()
    return Calls(
        student=publication.student,
        repository=publication.repository,
        look=("release", "view", tag, *to, "--json", "tagName"),
        # never "latest": platforms look for a submission there
        first=(("release", "create", tag, *to, *about, *target, "--latest=false", str(report)),),
        present=(
            ("release", "edit", tag, *to, *about),
            ("release", "upload", tag, *to, "--clobber", str(report)),
        ),
        files={str(notes_file): notes.decode()},
    )


def _check(publication: Publication, folder: Path, notes: str, lang: str) -> Calls:
    if not publication.commit:
        return Calls(
            student=publication.student,
            repository=publication.repository,
            trouble=msg(
                "%(student)s: a check run needs the commit, and the clone is not there", student=publication.student
            ),
        )
    grade = publication.result.grade
    passed = grade.status != "final" or grade.score >= grade.max_score
    run = {
        "name": f"grade: {publication.result.assignment.id}",
        "head_sha": publication.commit,
        "status": "completed",
        "conclusion": _CONCLUSIONS[grade.status] if passed else "failure",
        "output": {
            "title": _title(publication, lang),
            "summary": notes,
            "annotations": _annotations(publication, lang),
        },
    }
    body = folder / "check-run.json"
    atomic.write(body, result_json.encode(run) + b"\n")
    call = ("api", "--method", "POST", f"repos/{publication.repository}/check-runs", "--input", str(body))
    return Calls(
        student=publication.student,
        repository=publication.repository,
        first=(call,),
        files={str(body): json.dumps(run, ensure_ascii=False, indent=1)},
    )


def _annotations(publication: Publication, lang: str) -> list[dict[str, Any]]:
    document = shown(redacted(publication.result, "student"), lang).document
    return [
        {
            "path": f.file,
            "start_line": f.line,
            "end_line": f.line,
            "annotation_level": _LEVELS[f.severity],
            "title": f.code,
            "message": text_of(f),
        }
        for f in document.findings
        if f.line > 0 and uri(f.file)
    ][:MAX_ANNOTATIONS]


def _title(publication: Publication, lang: str) -> str:
    row, grade = publication.row, publication.result.grade
    status = grade.status if row.state not in {"final", "provisional", "rejected"} else row.state
    words = untrusted.rendered(STATUSES[status], lang)
    return f"{words}: {number(row.score)} / {grade.max_score}"


def _remarks(publication: Publication, lang: str) -> tuple[str, ...]:
    row = publication.row
    said = gradebook.remarks(row, lang)
    if row.score != publication.result.grade.score:
        total = msg("In the gradebook: %(score)s", score=number(row.score))
        said = (untrusted.rendered(total, lang), *said)
    return said


def _shell(call: tuple[str, ...]) -> str:
    return untrusted.for_log(shlex.join((gh.PROGRAM, *call)), limit=untrusted.MAX_CHARS)


def _trouble(planned: Calls, output: str) -> Text:
    last = untrusted.lines([output], limit=3)
    return msg("%(student)s: not published: %(why)s", student=planned.student, why=" ".join(last))
