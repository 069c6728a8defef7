"""The forms of Moodle and Canvas: names of a platform's download, gathered to students and their attempts."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from grader.batch.classes.collection import Piece
from grader.batch.classes.delivery import archived
from grader.batch.classes.identifiers import full, slug
from grader.batch.classes.platforms import PARSERS, attempt_of
from grader.intake import archive, names
from grader.model.classroom import Entry
from grader.model.text import msg

if TYPE_CHECKING:
    from grader.batch.classes.collection import Item
    from grader.batch.classes.delivery import Delivery
    from grader.batch.classes.identifiers import Identifiers
    from grader.batch.classes.platforms import Part, Platform

_Parts = list[tuple["Item", "Part"]]


def read(platform: Platform, delivery: Delivery, identifiers: Identifiers) -> list[Entry]:
    """Return what each student handed in, by name."""
    students: dict[str, _Parts] = defaultdict(list)
    strangers = []
    for item in delivery.collection.items:
        part = PARSERS[platform](item)
        if part is None:
            strangers.append(item.name)
        else:
            students[part.who].append((item, part))
    delivery.say_strangers(strangers)
    numbered = _tell(students) if platform == "canvas" else False
    entries = []
    for parts in students.values():
        first = parts[0][1]
        student = identifiers.give(f"{slug(first.name)[:60]}-{first.who}" if first.known else first.name)
        for attempt, pieces in _attempts(parts, numbered, student, delivery):
            entries.append(
                Entry(
                    student=student, name=full(first.name), attempt=attempt,
                    source=delivery.deliver(pieces, student, attempt), late=any(part.late for _, part in parts),
                    ids={platform: first.who} if first.known else {},
                )
            )  # fmt: skip
    return entries


def _tell(students: dict[str, _Parts]) -> bool:
    """Say whether numbers at the end of names tell attempts; not if all have the same: `lab-1.zip` is the first lab."""
    found = {attempt_of(part.file)[1] for parts in students.values() for _, part in parts if archived(part.file)}
    return len(found) > 1 or len(students) < 2


def _attempts(parts: _Parts, numbered: bool, student: str, delivery: Delivery) -> list[tuple[int, list[Piece]]]:
    """Return a student's attempts, the first one first, each with what belongs to it."""
    files = [(item, part) for item, part in parts if not part.text]
    if not files:
        delivery.notices.append(msg("%(student)s handed in a text and no file.", student=student))
        files = parts
    packed = [(item, part) for item, part in files if archived(part.file)]
    tries = [(attempt_of(part.file), item) for item, part in packed]
    if numbered and packed and len({base for (base, _), _ in tries}) == 1 and len(dict(tries)) == len(tries):
        return [(number, [Piece(item, _safe(base))]) for (base, number), item in sorted(tries, key=lambda t: t[0])]
    if len(packed) == 1 and not any(part.file in names.COMPOSE_FILES for _, part in files):
        if len(files) > 1:
            delivery.say_left(student, packed[0][1].file, len(files) - 1)
        files = packed
    if len(files) == 1:
        item, part = files[0]
        return [(1, [Piece(item, _safe(part.file) if archived(part.file) else part.file)])]
    return [(1, [Piece(item, part.file) for item, part in files])]


def _safe(file: str) -> str:
    """Return a name for a packed submission: what students call it tells nothing, and must not keep it from opening."""
    stem = archive.stem(file)
    return slug(stem) + file[len(stem) :]
