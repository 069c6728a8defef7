"""A roster beside a class: it brings names and the students who handed nothing in, and is asked for nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from grader.batch.classes import roster
from grader.batch.classes.identifiers import slug
from grader.intake import names
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from grader.batch.classes.identifiers import Identifiers
    from grader.batch.classes.roster import RosterRow
    from grader.model.classroom import Entry

_SHOWN = 10
_AGAIN = re.compile(r"(?P<user>.+)-(?P<number>[1-9]\d?)")  # what Classroom calls a repository when the name is taken


def joined(
    entries: Sequence[Entry], rows: Sequence[RosterRow], identifiers: Identifiers, notices: list[Text]
) -> list[Entry]:
    """Return the entries with what the roster knows of them, then the students of the roster who are not in the class.

    A row is a student's if its user is the student's identifier or an id of the platform, or else if the name is the
    same but for its order, accents and capitals, and nobody else's. Who is only in the class is named in a notice.
    """
    entries, known = _known(entries, rows)
    told: dict[str, RosterRow] = {}
    absent: list[RosterRow] = []
    members: list[Entry] = []
    for row in _once(rows):
        student = _student(row, known)
        if student is None:
            absent.append(row)
        elif student not in told:
            told[student] = row
        elif row.repository and row.repository == told[student].repository:
            members += _member(row, [e for e in entries if e.student == student], identifiers)
        else:
            notices.append(
                msg("The roster's lines %(first)d and %(line)d are both %(student)s; the first counts.",
                    first=told[student].line, line=row.line, student=student)
            )  # fmt: skip
    entries = _without_nobody(entries, told, notices)
    _say_unknown(entries, told, notices)
    found = [_completed(entry, told[entry.student]) if entry.student in told else entry for entry in entries]
    missing = [roster.entry(row, identifiers.give(row.student)) for row in absent if not row.nobody]
    return found + members + missing


def _once(rows: Iterable[RosterRow]) -> list[RosterRow]:
    """Return the first row of each student: attempts are the class's own."""
    first: dict[str, RosterRow] = {}
    for row in rows:
        first.setdefault(names.key((row.student,)), row)
    return list(first.values())


def _known(entries: Sequence[Entry], rows: Sequence[RosterRow]) -> tuple[list[Entry], dict[str, set[str]]]:
    """Return the entries, and the students that each thing a roster may say stands for; sure ones have a mark."""
    known: dict[str, set[str]] = defaultdict(set)
    found = []
    for entry, user in _by_user(entries, rows):
        found.append(entry)
        for sure in (entry.student, *entry.ids.values(), user):
            known[_sure(sure)].add(entry.student)
        for name in {entry.name, entry.student} - {""}:
            known[_squashed(name)].add(entry.student)
        team = entry.ids.get("github", "")
        for repository in {row.repository for row in rows if team and row.repository}:
            if repository.rpartition("/")[2].casefold().endswith(f"-{team}".casefold()):
                known[_sure(f"/{repository}")].add(entry.student)
    return found, known


def _by_user(entries: Sequence[Entry], rows: Sequence[RosterRow]) -> list[tuple[Entry, str]]:
    """Return the entries with their users; a second repository of a user of the roster is a further attempt."""
    users = {_sure(row.github) for row in rows if row.github}
    own = {_sure(entry.ids["github"]): entry for entry in entries if "github" in entry.ids}
    found: dict[str, list[tuple[Entry, str]]] = {}
    for entry in entries:
        user = entry.ids.get("github", "")
        again = _AGAIN.fullmatch(user)
        if again and _sure(user) not in users and _sure(again["user"]) in users:
            user = again["user"]
            first = own.get(_sure(user))
            if first is not None:
                entry = msgspec.structs.replace(entry, student=first.student, attempt=int(again["number"]) + 1)  # noqa: PLW2901
        found.setdefault(entry.student, []).append((entry, user))
    return [pair for pairs in found.values() for pair in sorted(pairs, key=lambda p: p[0].attempt)]


def _student(row: RosterRow, known: Mapping[str, set[str]]) -> str | None:
    sure = (row.student, slug(row.student), row.github, row.moodle, row.canvas, row.login)
    for said in (*sure, f"/{row.repository}" if row.repository else ""):
        if said and len(known.get(_sure(said), ())) == 1:
            return next(iter(known[_sure(said)]))
    words = (row.name or row.student).split()
    orders = {_squashed(" ".join(words[at:] + words[:at])) for at in range(len(words))} - {""}
    found = set().union(*(known.get(order, set()) for order in orders))
    return found.pop() if len(found) == 1 else None


def _sure(text: str) -> str:
    return "=" + names.key((text,))


def _squashed(name: str) -> str:
    """Return a name's letters and digits alone: platforms put surnames first, and leave out accents and spaces."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if c.isalnum())


def _completed(entry: Entry, row: RosterRow) -> Entry:
    known = {_sure(said) for said in (entry.student, *entry.ids.values())}
    called = row.name or ("" if _sure(row.student) in known else row.student)
    return msgspec.structs.replace(
        entry, name=called or entry.name, email=row.email, ids={**roster.ids(row), **entry.ids},
        late=entry.late or row.late, submitted_at=entry.submitted_at or row.submitted_at,
    )  # fmt: skip


def _member(row: RosterRow, of: Sequence[Entry], identifiers: Identifiers) -> list[Entry]:
    """Return the attempts of a group as those of one more of its members."""
    student = identifiers.give(row.github or row.student)
    own = [msgspec.structs.replace(entry, student=student, name="") for entry in of]
    return [_completed(entry, row) for entry in own]


def _without_nobody(entries: Iterable[Entry], told: Mapping[str, RosterRow], notices: list[Text]) -> list[Entry]:
    """Leave out what the platform's own test student handed in."""
    nobody = {student for student, row in told.items() if row.nobody}
    if nobody:
        notices.append(
            msg("What the platform's test student handed in is not graded: %(students)s",
                students=", ".join(sorted(nobody)))
        )  # fmt: skip
    return [entry for entry in entries if entry.student not in nobody]


def _say_unknown(entries: Iterable[Entry], told: Mapping[str, RosterRow], notices: list[Text]) -> None:
    unknown = list(dict.fromkeys(entry.student for entry in entries if entry.student not in told))
    if unknown:
        notices.append(
            msg("Students who are in the class and not in the roster (%(count)d): %(students)s", count=len(unknown),
                students=", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else ""))
        )  # fmt: skip
