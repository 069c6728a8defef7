"""What is to be published of a class: for each student a repository, a commit and what a student may read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader.errors import UsageError
from grader.github import repository
from grader.model.classroom import Entry, Row
from grader.model.grade import Result
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grader.batch.journal import Journal
    from grader.model.classroom import Gradebook


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One student's result and where it goes. commit: "" when not known. row: as it stands in the gradebook."""

    student: str
    repository: str
    commit: str
    result: Result
    row: Row


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A student of whom nothing is published, and why. counts: it is an error, not the way things are."""

    student: str
    why: Text
    counts: bool = True


def of_class(
    journal: Journal, book: Gradebook, template: str, students: Sequence[str] = ()
) -> Iterator[Publication | Left]:
    """Yield what is to be published, in the class's order; each repository once.

    template: "owner/name" with {student} or {github} in it, "" for the clones' own remotes. students: only these.
    Raises UsageError for a student who is not in the class.
    """
    unknown = [s for s in students if s not in {row.entry.student for row in book.rows}]
    if unknown:
        raise UsageError(msg("There is no student %(student)s in this class", student=unknown[0]))
    contents = {(a.entry.student, a.entry.attempt): a.content for a in journal.attempts()}
    taken: dict[str, str] = {}
    for row in book.rows:
        entry = row.entry
        if students and entry.student not in students:
            continue
        result = journal.result(contents.get((entry.student, entry.attempt), "")) if row.summary else None
        where = target(entry, template)
        if row.state == "excused" or result is None:
            yield Left(student=entry.student, why=msg("nothing was graded"), counts=row.state == "provisional")
        elif isinstance(where, Text):
            yield Left(student=entry.student, why=where)
        elif where.lower() in taken:
            other = taken[where.lower()]
            yield Left(
                student=entry.student,
                why=msg("%(repository)s is already that of %(other)s", repository=where, other=other),
            )
        else:
            taken[where.lower()] = entry.student
            clone = Path(entry.source)
            yield Publication(
                student=entry.student,
                repository=where,
                commit=repository.commit(clone) if _cloned(clone) else "",
                result=msgspec.structs.replace(result, submission=entry.student),
                row=row,
            )


def target(entry: Entry, template: str) -> str | Text:
    """Return the student's repository "owner/name", or why there is none.

    A clone's remote counts only when the class knows the student's GitHub name and the repository is called after it:
    a folder that was handed in otherwise can bring a `.git` that names somebody else's.
    """
    user = entry.ids.get("github", "")
    if template:
        if "{github}" in template and not user:
            return msg("the class does not know this student's GitHub name")
        name = template.replace("{github}", user).replace("{student}", entry.student)
        return name if repository.NAME.fullmatch(name) else msg("%(name)s is no OWNER/NAME", name=name)
    if entry.source.startswith("https://"):
        return repository.of_address(entry.source, _host()) or _unknown()
    return _of_clone(Path(entry.source), user)


def _of_clone(clone: Path, user: str) -> str | Text:
    name = repository.of_address(repository.remote(clone), _host()) if user and _cloned(clone) else ""
    if not name:
        return _unknown()
    if not name.lower().endswith(f"-{user.lower()}"):
        return msg("the clone's remote is %(name)s, which is not called after %(user)s", name=name, user=user)
    return name


def _host() -> str:
    return os.environ.get("GH_HOST", "github.com")


def _cloned(folder: Path) -> bool:
    return folder.is_absolute() and (folder / ".git").is_dir()


def _unknown() -> Text:
    return msg("its repository is not known; use --repository OWNER/NAME-{github}")
