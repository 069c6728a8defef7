"""The plain form: one folder or archive a student, called by the student's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.batch.classes.delivery import archived
from grader.batch.classes.holding import Piece
from grader.batch.classes.identifiers import full
from grader.intake import archive, names
from grader.model.classroom import Entry
from grader.model.text import msg

if TYPE_CHECKING:
    from grader.batch.classes.delivery import Delivery
    from grader.batch.classes.holding import Item
    from grader.batch.classes.identifiers import Identifiers


def read(delivery: Delivery, identifiers: Identifiers) -> list[Entry]:
    """Return an entry for each folder or archive, by name."""
    entries = []
    for item in students(delivery):
        name = item.name if item.folder else archive.stem(item.name)
        student = identifiers.give(name)
        source = delivery.deliver([Piece(item, _packed(student, item))], student)
        written = full(name)
        shown = "" if student == written else written
        entries.append(Entry(student=student, name=shown, source=source, ids={"folder": written}))
    return entries


def students(delivery: Delivery) -> list[Item]:
    """Return the items that are submissions; a notice tells the others."""
    items = delivery.holding.items
    folders = {item.name for item in items if item.folder}
    found, loose = [], []
    for item in items:
        if not item.folder and not archived(item.name):
            loose.append(item.name)
        elif not item.folder and archive.stem(item.name) in folders:
            delivery.notices.append(
                msg("%(file)s was left out: the folder of the same name is graded.", file=names.shown(item.name))
            )
        else:
            found.append(item)
    delivery.say_strangers(loose)
    return found


def _packed(student: str, item: Item) -> str:
    """Return what an archive is called when it is unpacked from a class's zip."""
    return "" if item.folder else student + item.name[len(archive.stem(item.name)) :]
