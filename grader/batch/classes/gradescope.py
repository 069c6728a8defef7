"""The form of Gradescope's export: a folder a submission, called by a number, and one file that tells whose it is."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec
import yaml

from grader.batch.classes.collection import Piece
from grader.batch.classes.identifiers import full
from grader.model.classroom import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from grader.batch.classes.collection import Item
    from grader.batch.classes.delivery import Delivery
    from grader.batch.classes.identifiers import Identifiers

METADATA = "submission_metadata.yml"
_BYTES = 64 * 1024 * 1024  # it holds what autograders have put out for each student
_LINE = 2000
_FOLDER = re.compile(r"submission_\d+")
_SUBMISSION = re.compile(r"(submission_\d+):\s*")
_FIELD = re.compile(r"  :(\w+):.*", re.DOTALL)
_SUBMITTER = re.compile(r"(?P<first>\s+- |\s+):(?P<key>name|sid|email): *(?P<value>.*?)\s*", re.DOTALL)


class _Submitter(msgspec.Struct):
    name: str = ""
    sid: str = ""
    email: str = ""


def recognised(items: Iterable[Item]) -> bool:
    """Say whether the file that tells whose submissions these are is there."""
    return any(item.name == METADATA and not item.folder for item in items)


def read(delivery: Delivery, identifiers: Identifiers) -> list[Entry]:
    """Return an entry for each student of each submission: a group's is that of all its members."""
    told: dict[str, list[_Submitter]] = {}
    strangers, folders = [], []
    for item in delivery.collection.items:
        if item.name == METADATA:
            text = delivery.collection.text(item, _BYTES).decode("utf-8-sig", "replace")
            told = dict(_submissions(text))
        elif item.folder and _FOLDER.fullmatch(item.name):
            folders.append(item)
        else:
            strangers.append(item.name)
    delivery.say_strangers(strangers)
    known: dict[str, str] = {}
    attempts: dict[str, list[Entry]] = defaultdict(list)
    for item in sorted(folders, key=lambda item: int(item.name.rpartition("_")[2])):
        source = delivery.deliver([Piece(item)], item.name)
        for one in told.get(item.name) or [_Submitter(name=item.name)]:
            key = one.email or one.sid or one.name
            student = known.get(key) or known.setdefault(key, identifiers.give(one.name or key))
            attempts[student].append(
                Entry(
                    student=student, name=full(one.name), email=full(one.email), source=source,
                    attempt=len(attempts[student]) + 1, ids={"gradescope": full(one.sid or key)},
                )
            )  # fmt: skip
    return [entry for entries in attempts.values() for entry in entries]


def _submissions(text: str) -> Iterator[tuple[str, list[_Submitter]]]:
    """Yield each submission with who handed it in.

    The file is read line by line for these few fields: what students' programs have put out stands in it further to
    the right, and is no business of a parser's.
    """
    name, field = "", ""
    found: list[_Submitter] = []
    for line in text.splitlines():
        begins = _SUBMISSION.fullmatch(line)
        inner = _FIELD.fullmatch(line)
        if begins:
            if name:
                yield name, found
            name, found, field = begins[1], [], ""
        elif inner:
            field = inner[1]
        elif field == "submitters" and len(line) < _LINE and (said := _SUBMITTER.fullmatch(line)):
            if "-" in said["first"] or not found:
                found.append(_Submitter())
            setattr(found[-1], said["key"], _value(said["value"]))
    if name:
        yield name, found


def _value(text: str) -> str:
    """Return a value of one line, which may be quoted."""
    if text[:1] not in {"'", '"'} or len(text) > 500:
        return text
    try:
        return str(yaml.safe_load(text))
    except yaml.YAMLError:
        return text.strip("'\"")
