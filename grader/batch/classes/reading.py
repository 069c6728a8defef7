"""Read a class, whatever form it comes in."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal, get_args

from grader.batch.classes import (
    blackboard,
    downloaded,
    folders,
    github,
    gradescope,
    platforms,
    roster_entries,
    zip_collection,
)
from grader.batch.classes import roster as rosters
from grader.batch.classes.collection import FolderCollection
from grader.batch.classes.delivery import Delivery, archived
from grader.batch.classes.identifiers import Identifiers
from grader.errors import UsageError
from grader.intake import archive, clean_place, names
from grader.model.classroom import ClassList
from grader.model.text import msg
from grader.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grader.batch.classes.collection import Collection
    from grader.model.classroom import Entry
    from grader.model.text import Text

Layout = Literal["folder", "github", "moodle", "canvas", "blackboard", "gradescope", "roster"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_NOTICES = 500


def read(
    source: Path, assignment_id: str, into: Path, *, form: Layout | None = None, roster: Path | None = None
) -> ClassList:
    """Return all that a class handed in.

    source: a folder, a zip or a CSV file. into: a new or empty folder of the caller's for what must be unpacked; kept
    as long as the entries are used. form: None recognises it. roster: a CSV file beside a class in another form,
    that brings the students' names and those who handed nothing in.
    Raises UsageError (file, line, what was expected) and then leaves `into` as it was; what is wrong with one
    student's submission is a notice. GraderError if the machine fails.
    """
    if form == "roster" or (form is None and _is_csv(source)):
        if roster:
            raise UsageError(msg("A class that is a CSV file is its own roster; leave the other one out."))
        return ClassList(form="roster", entries=tuple(rosters.entries(rosters.read(source, alone=True), source)))
    rows = rosters.read(roster) if roster else None
    with _opened(source, into) as collection, clean_place(into):
        return _read(_entered(collection, form), assignment_id, into, form, rows)


def _read(
    collection: Collection, assignment_id: str, into: Path, form: Layout | None, rows: list[rosters.RosterRow] | None
) -> ClassList:
    form = form or platforms.recognised(collection.items) or _clones(collection, assignment_id)
    delivery = Delivery(collection, into)
    identifiers = Identifiers()
    entries = _entries(form, delivery, assignment_id, identifiers)
    if not entries:
        raise UsageError(
            msg(
                "No submission was found in %(path)s. Expected is a folder or an archive for each student, the zip of "
                "a course platform, or a CSV file.",
                path=one_line(collection.name),
            )
        )  # fmt: skip
    if rows is None and form == "github":
        github.say_second_tries(entries, delivery.notices)
    if rows is not None:
        entries = roster_entries.joined(entries, rows, identifiers, delivery.notices)
    return ClassList(form=form, entries=tuple(entries), notices=_shown(delivery.notices))


def _shown(notices: list[Text]) -> tuple[Text, ...]:
    """Return as many notices as somebody reads."""
    left = len(notices) - _NOTICES
    return tuple(notices) if left <= 0 else (*notices[:_NOTICES], msg("… and %(count)d more of these.", count=left))


def _entries(form: Layout, delivery: Delivery, assignment_id: str, identifiers: Identifiers) -> list[Entry]:
    if form == "moodle" or form == "canvas":  # noqa: PLR1714 - so that mypy knows which forms are left
        return downloaded.read(form, delivery, identifiers)
    if form == "blackboard":
        return blackboard.read(delivery, identifiers)
    if form == "gradescope":
        return gradescope.read(delivery, identifiers)
    if form == "github":
        return github.read(assignment_id, delivery, identifiers)
    return folders.read(delivery, identifiers)


def _clones(collection: Collection, assignment_id: str) -> Layout:
    return "github" if github.recognised(collection, assignment_id) else "folder"


def _entered(collection: Collection, form: Layout | None) -> Collection:
    """Enter the only folder: unpacking a platform's download adds one, and so does packing the folder of a class."""
    inner = None if platforms.recognised(collection.items) else collection.inner()
    if inner is None:
        return collection
    if form in {None, "moodle", "canvas", "blackboard", "gradescope"} and platforms.recognised(inner.items):
        return inner
    submission = any(item.name in names.COMPOSE_FILES for item in inner.items)
    several = sum(item.folder or archived(item.name) for item in inner.items) > 1
    return inner if isinstance(collection, zip_collection.ZipCollection) and several and not submission else collection


def _is_csv(source: Path) -> bool:
    return source.suffix.lower() in {".csv", ".tsv"} and not source.is_dir()


@contextlib.contextmanager
def _opened(source: Path, into: Path) -> Iterator[Collection]:
    if _kind(source) == "folder":
        yield FolderCollection(source, into)
    else:
        with source.open("rb") as file:
            yield zip_collection.opened(file, source)


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
            "%(path)s is no class. Expected is a folder, a zip or a CSV file. Unpack any other archive and name the "
            "folder.",
            path=shown,
        )
    )
