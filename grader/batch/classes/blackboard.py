"""The form of Blackboard: flat files called `<assignment>_<user>_attempt_<time>_<file>`, a text about each attempt."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from grader.batch.classes.collection import Piece
from grader.batch.classes.delivery import archived
from grader.batch.classes.identifiers import full, slug
from grader.intake import archive
from grader.model.classroom import Entry
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grader.batch.classes.collection import Item
    from grader.batch.classes.delivery import Delivery
    from grader.batch.classes.identifiers import Identifiers

_NAME = re.compile(r"(?P<head>.+_.+)_attempt_(?P<at>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)", re.DOTALL)
# The first line about an attempt, in whatever language: `Name: Ana López (alopez)`.
_WHO = re.compile(r"[^:\n]{1,40}: *(?P<name>[^\n]{1,200}?) \((?P<user>[^()\n]{1,100})\)\s*(?:\n|\Z)")
_TOLD = 4096  # bytes of that text


def recognised(items: Iterable[Item]) -> bool:
    """Say whether a name is one of Blackboard's."""
    return any(not item.folder and _NAME.fullmatch(item.name) for item in items)


def read(delivery: Delivery, identifiers: Identifiers) -> list[Entry]:
    """Return the attempts of each student, the first one first."""
    heads: dict[str, dict[str, list[tuple[Item, str]]]] = defaultdict(lambda: defaultdict(list))
    strangers = []
    for item in delivery.collection.items:
        found = None if item.folder else _NAME.fullmatch(item.name)
        if found is None:
            strangers.append(item.name)
        else:
            heads[found["head"]][found["at"]].append((item, found["file"] or ""))
    delivery.say_strangers(strangers)
    entries = []
    for head, attempts in heads.items():
        user, name = _who(head, list(heads), (pair for pairs in attempts.values() for pair in pairs), delivery)
        student = identifiers.give(user)
        for number, (_, files) in enumerate(sorted(attempts.items()), start=1):
            pieces = _pieces(files, student, delivery)
            entries.append(
                Entry(
                    student=student, name=name, attempt=number, source=delivery.deliver(pieces, student, number),
                    ids={"blackboard": user},
                )
            )  # fmt: skip
    return entries


def _who(head: str, heads: Sequence[str], files: Iterable[tuple[Item, str]], delivery: Delivery) -> tuple[str, str]:
    """Return a student's user and full name.

    Both the assignment and the user may have a `_`: the text about an attempt tells, else what all names begin with.
    """
    for item, file in files:
        found = None if file else _WHO.match(delivery.collection.text(item, _TOLD).decode("utf-8-sig", "replace"))
        if found and head.endswith(f"_{found['user']}"):
            return found["user"], full(found["name"])
    shared = _beginning(heads)[: head.rfind("_") + 1]
    return head[shared.rfind("_") + 1 :], ""


def _beginning(heads: Sequence[str]) -> str:
    """Return what all of them begin with."""
    least, most = min(heads), max(heads)
    same = next((at for at, (one, other) in enumerate(zip(least, most, strict=False)) if one != other), len(least))
    return least[:same]


def _pieces(files: Sequence[tuple[Item, str]], student: str, delivery: Delivery) -> list[Piece]:
    handed_in = [(item, file) for item, file in files if file]
    if not handed_in:
        delivery.notices.append(msg("%(student)s handed in a text and no file.", student=student))
        return [Piece(item, "text.txt") for item, _ in files]
    return [Piece(item, _safe(file) if archived(file) else file) for item, file in handed_in]


def _safe(file: str) -> str:
    stem = archive.stem(file)
    return slug(stem) + file[len(stem) :]
