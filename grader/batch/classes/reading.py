"""Read a class, whatever form it comes in."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal, get_args

from grader.batch.classes import beside, downloaded, folders, github, platforms, roster, zip_holding
from grader.batch.classes.delivery import Delivery
from grader.batch.classes.holding import FolderHolding
from grader.batch.classes.identifiers import Identifiers
from grader.errors import UsageError
from grader.intake import archive, clean_place
from grader.model.classroom import ClassList
from grader.model.text import msg
from grader.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grader.batch.classes.holding import Holding
    from grader.model.classroom import Entry

Form = Literal["folder", "github", "moodle", "canvas", "roster"]
FORMS: tuple[Form, ...] = get_args(Form)


def read(
    source: Path, assignment_id: str, into: Path, *, form: Form | None = None, roster_file: Path | None = None
) -> ClassList:
    """Return all that a class handed in.

    source: a folder, a zip or a CSV file. into: a new or empty folder of the caller's for what must be unpacked; kept
    as long as the entries are used. form: None recognises it. roster_file: a CSV file beside a class in another form,
    that brings the students' names and those who handed nothing in.
    Raises UsageError (file, line, what was expected) and then leaves `into` as it was; what is wrong with one
    student's submission is a notice. GraderError if the machine fails.
    """
    if form == "roster" or (form is None and _is_csv(source)):
        if roster_file:
            raise UsageError(msg("A class that is a CSV file is its own roster; leave the other one out."))
        return ClassList(form="roster", entries=tuple(roster.entries(roster.read(source), source)))
    rows = roster.read(roster_file) if roster_file else None
    with _held(source, into) as holding, clean_place(into):
        return _read(_entered(holding, form), assignment_id, into, form, rows)


def _read(
    holding: Holding, assignment_id: str, into: Path, form: Form | None, rows: list[roster.RosterRow] | None
) -> ClassList:
    form = form or platforms.recognised(holding.items) or _clones(holding, assignment_id)
    delivery = Delivery(holding, into)
    identifiers = Identifiers()
    entries = _entries(form, delivery, assignment_id, identifiers)
    if not entries:
        raise UsageError(
            msg(
                "No submission was found in %(path)s. Expected is a folder or an archive for each student, the zip of "
                "a course platform, or a CSV file. What was left out: %(count)d entries.",
                path=one_line(holding.name), count=len(holding.items),
            )
        )  # fmt: skip
    if rows is not None:
        entries = beside.joined(entries, rows, identifiers, delivery.notices)
    return ClassList(form=form, entries=tuple(entries), notices=tuple(delivery.notices))


def _entries(form: Form, delivery: Delivery, assignment_id: str, identifiers: Identifiers) -> list[Entry]:
    if form == "moodle" or form == "canvas":  # noqa: PLR1714 - so that mypy knows which forms are left
        return downloaded.read(form, delivery, identifiers)
    if form == "github":
        return github.read(assignment_id, delivery, identifiers)
    return folders.read(delivery, identifiers)


def _clones(holding: Holding, assignment_id: str) -> Form:
    return "github" if github.recognised(holding, assignment_id) else "folder"


def _entered(holding: Holding, form: Form | None) -> Holding:
    """Enter the only folder of a platform's download, which unpacking it or packing it anew has added."""
    if form not in {None, "moodle", "canvas"} or platforms.recognised(holding.items):
        return holding
    inner = holding.inner()
    return inner if inner and platforms.recognised(inner.items) else holding


def _is_csv(source: Path) -> bool:
    return source.suffix.lower() in {".csv", ".tsv"} and not source.is_dir()


@contextlib.contextmanager
def _held(source: Path, into: Path) -> Iterator[Holding]:
    if _kind(source) == "folder":
        yield FolderHolding(source, into)
    else:
        with source.open("rb") as file:
            yield zip_holding.opened(file, source)


def _kind(source: Path) -> Literal["folder", "zip"]:
    shown = one_line(str(source))
    try:
        if source.is_dir():
            return "folder"
        if archive.kind(source) == "zip":
            return "zip"
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UsageError(msg("There is no class at %(path)s.", path=shown)) from error
    except OSError as error:
        raise UsageError(
            msg("%(path)s cannot be read: %(why)s.", path=shown, why=error.strerror or str(error))
        ) from error
    raise UsageError(
        msg(
            "%(path)s is no class. Expected is a folder, a zip or a CSV file. Unpack another archive, name the folder.",
            path=shown,
        )
    )
