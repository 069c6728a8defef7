"""The plain form: one folder or archive a student, called by the student's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.batch.classes import copies
from grader.batch.classes.collection import Piece
from grader.batch.classes.delivery import archived
from grader.batch.classes.identifiers import full
from grader.intake import archive, names
from grader.model.classroom import Entry
from grader.model.text import msg

if TYPE_CHECKING:
    from grader.batch.classes.collection import Item
    from grader.batch.classes.delivery import Delivery
    from grader.batch.classes.identifiers import Identifiers


def read(delivery: Delivery, identifiers: Identifiers) -> list[Entry]:
    """Return an entry for each folder or archive, by name; copies of one are further attempts of its student."""
    items = students(delivery)
    called = [item.name if item.folder else archive.stem(item.name) for item in items]
    entries = []
    for name, attempts in copies.grouped(called):
        student = identifiers.give(name)
        written = full(name)
        shown = "" if student == written else written
        if len(attempts) > 1:
            delivery.notices.append(
                msg(
                    "%(student)s: these are taken for one student's attempts, and the last counts: %(files)s. Rename "
                    "what is another student's.",
                    student=student, files=", ".join(names.shown(items[attempt].name) for attempt in attempts),
                )
            )  # fmt: skip
        for number, attempt in enumerate(attempts, start=1):
            item = items[attempt]
            source = delivery.deliver([Piece(item, _packed(student, item))], student, number)
            entries.append(Entry(student=student, name=shown, source=source, attempt=number, ids={"folder": written}))
    return entries


def students(delivery: Delivery) -> list[Item]:
    """Return the items that are submissions; a notice tells the others."""
    items = delivery.collection.items
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
