"""The form of GitHub Classroom and Classroom 50: clones called `<assignment>-<user>`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from grader.batch.classes import folders
from grader.batch.classes.collection import Piece
from grader.intake import clone_files
from grader.model.classroom import Entry
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from grader.batch.classes.collection import Collection, Item
    from grader.batch.classes.delivery import Delivery
    from grader.batch.classes.identifiers import Identifiers
    from grader.model.text import Text

_USER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,60})")
_SHOWN = 10
_TAIL = 8 * 1024  # bytes of a log that are read; a line of it is seldom longer than 200
_COMMITTED = re.compile(rb"> (?P<at>\d{1,11}) (?P<offset>[+-]\d{4})\tcommit\b[^\n]*\n?\Z")


def recognised(collection: Collection, assignment_id: str) -> bool:
    """Say whether all folders are called after this assignment, or are clones with the same beginning."""
    clones = [item for item in collection.items if item.folder]
    if not clones:
        return False
    if all(_follows(item.name, assignment_id) for item in clones):
        return True
    return bool(common([item.name for item in clones])) and all(".git" in collection.within(item) for item in clones)


def read(assignment_id: str, delivery: Delivery, identifiers: Identifiers) -> list[Entry]:
    """Return an entry for each clone, by name."""
    found = folders.students(delivery)
    start = common([item.name for item in found if item.folder])
    entries = []
    for item in found:
        user = _user(item, assignment_id, start)
        student = identifiers.give(user)
        entries.append(
            Entry(
                student=student, name="" if student == user else user,
                source=delivery.deliver([Piece(item, item.name)], student),
                submitted_at=committed_at(delivery.collection.whole(item)), ids={"github": user},
            )
        )  # fmt: skip
    return entries


def say_second_tries(entries: Sequence[Entry], notices: list[Text]) -> None:
    """Note users who may be another one's second repository: `ana-1` beside `ana`. Only a roster tells."""
    users = {entry.ids["github"].casefold() for entry in entries}
    again = [e.ids["github"] for e in entries if re.sub(r"-[1-9]\d?\Z", "", e.ids["github"].casefold()) in users]
    again = [user for user in again if re.search(r"-[1-9]\d?\Z", user)]
    if again:
        notices.append(
            msg("These may be second repositories of other students; with the classroom's roster (--roster) it is "
                "known: %(students)s", students=", ".join(again[:_SHOWN]) + (", …" if len(again) > _SHOWN else ""))
        )  # fmt: skip


def common(found: Sequence[str]) -> str:
    """Return what all of two names or more begin with, up to and with a hyphen."""
    least, most = min(found, default=""), max(found, default="")
    same = next((at for at, (one, other) in enumerate(zip(least, most, strict=False)) if one != other), len(least))
    start = least[: least[:same].rfind("-") + 1] if len(found) > 1 else ""
    return start if start and all(_USER.fullmatch(name[len(start) :]) for name in found) else ""


def committed_at(clone: Path | None) -> str:
    """Return when the student committed last here (ISO 8601), "" unless the clone's own log says so.

    Git's log of HEAD is the only place that tells it without git. In a clone that was never committed to, its one
    line is about the cloning, which is the teacher's doing and tells nothing.
    """
    if clone is None or not clone.is_dir():
        return ""
    found = _COMMITTED.search(clone_files.read(clone, "logs/HEAD", _TAIL, end=True))
    if found is None:
        return ""
    offset = int(found["offset"])
    minutes = abs(offset) // 100 * 60 + abs(offset) % 100
    try:
        zone = timezone(timedelta(minutes=minutes if offset > 0 else -minutes))
        return datetime.fromtimestamp(int(found["at"]), UTC).astimezone(zone).isoformat()
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        return ""


def _user(item: Item, assignment_id: str, start: str) -> str:
    name = item.name
    follows = _follows(name, assignment_id)
    if follows:
        return follows
    return name[len(start) :] if start and name.startswith(start) else name


def _follows(name: str, assignment_id: str) -> str:
    """Return what follows `<assignment>-`, also after the name of a classroom; "" if nothing does."""
    _, found, user = f"-{name}".partition(f"-{assignment_id}-")
    return user if found and _USER.fullmatch(user) else ""
