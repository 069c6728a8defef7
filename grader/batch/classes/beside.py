"""A roster beside a class: it brings names and the students who handed nothing in, and is asked for nothing else."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from grader.batch.classes import roster
from grader.batch.classes.identifiers import slug
from grader.intake import names
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grader.batch.classes.identifiers import Identifiers
    from grader.batch.classes.roster import RosterRow
    from grader.model.classroom import Entry

_SHOWN = 10


def joined(
    entries: Sequence[Entry], rows: Sequence[RosterRow], identifiers: Identifiers, notices: list[Text]
) -> list[Entry]:
    """Return the entries with what the roster knows of them, then the students of the roster who are not in the class.

    A row is a student's if its user is the student's identifier or an id of the platform, or else if the name is the
    same but for its order, accents and capitals, and nobody else's. Who is only in the class is named in a notice.
    """
    known = _known(entries)
    told: dict[str, RosterRow] = {}
    absent = []
    for row in _once(rows):
        student = _student(row, known)
        if student is None:
            absent.append(row)
        elif student in told:
            notices.append(
                msg("The roster's lines %(first)d and %(line)d are both %(student)s; the first counts.",
                    first=told[student].line, line=row.line, student=student)
            )  # fmt: skip
        else:
            told[student] = row
    _say_unknown(entries, told, notices)
    found = [_completed(entry, told[entry.student]) if entry.student in told else entry for entry in entries]
    return found + [roster.entry(row, identifiers.give(row.student)) for row in absent]


def _once(rows: Iterable[RosterRow]) -> list[RosterRow]:
    """Return the first row of each student: attempts are the class's own."""
    first: dict[str, RosterRow] = {}
    for row in rows:
        first.setdefault(names.key((row.student,)), row)
    return list(first.values())


def _known(entries: Iterable[Entry]) -> dict[str, set[str]]:
    """Return the students that each thing a roster may say stands for; sure ones have a mark before them."""
    known: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for sure in (entry.student, *entry.ids.values()):
            known[_sure(sure)].add(entry.student)
        for name in {entry.name, entry.student} - {""}:
            known[_squashed(name)].add(entry.student)
    return known


def _student(row: RosterRow, known: dict[str, set[str]]) -> str | None:
    for said in (
        _sure(row.student),
        _sure(slug(row.student)),
        row.github and _sure(row.github),
        row.moodle and _sure(row.moodle),
    ):
        if said and len(known.get(said, ())) == 1:
            return next(iter(known[said]))
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
    return msgspec.structs.replace(
        entry, name=row.name or entry.name, email=row.email, ids={**entry.ids, **roster.ids(row)},
        late=entry.late or row.late, submitted_at=entry.submitted_at or row.submitted_at,
    )  # fmt: skip


def _say_unknown(entries: Iterable[Entry], told: dict[str, RosterRow], notices: list[Text]) -> None:
    unknown = list(dict.fromkeys(entry.student for entry in entries if entry.student not in told))
    if unknown:
        notices.append(
            msg("Students who are in the class and not in the roster (%(count)d): %(students)s", count=len(unknown),
                students=", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else ""))
        )  # fmt: skip
