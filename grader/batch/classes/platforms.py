"""What a course platform writes into the names of a class: who handed in which file, and when it says so, how late."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from grader.batch.classes import blackboard, gradescope
from grader.intake import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grader.batch.classes.collection import Item

Platform = Literal["moodle", "canvas"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file or folder of a student. who: the platform's id, or the name where it gives none ("id" says which).

    file: the student's own name of a flat file, "" for a folder. text: typed into the platform, no file.
    """

    who: str
    name: str
    known: bool = True
    late: bool = False
    file: str = ""
    text: bool = False


# `Ana López_1234567_assignsubmission_file` is a folder's name (up to 4.0 with another `_` at its end) or begins a
# file's, as the teacher set it; the same in all languages, without the number for those in no group.
_MOODLE = re.compile(
    r"(?P<name>.+?)(?:_(?P<who>\d+))?_assignsubmission_(?P<plugin>[a-z0-9]+?)(?:_(?P<file>.*))?", re.DOTALL
)
# `lópezana_LATE_1234_5678_entrega.zip`: the name in small letters, the user's number and the file's. Graded
# anonymously it is `LATE_anon_x1Y2z_5678_entrega.zip`. What was typed has no number of a file.
_CANVAS = re.compile(
    r"(?:(?P<name>.*?)(?P<late>_LATE)?_(?P<who>\d+)|(?P<early>LATE_)?anon_(?P<anonymous>[A-Za-z0-9]+))"
    r"_(?:\d+_(?P<file>.+)|(?P<text>(?:text|link)\.html))",
    re.DOTALL,
)
_AGAIN = re.compile(r"(?P<base>.*[^-\d])-(?P<number>[1-9]\d?)", re.DOTALL)  # what Canvas makes of a name used before


def moodle(item: Item) -> Part | None:
    """Return what Moodle says in the name of an item, or None."""
    found = _MOODLE.fullmatch(item.name)
    if found is None:
        return None
    file = "" if item.folder else found["file"] or item.name
    return Part(
        who=found["who"] or found["name"], known=bool(found["who"]), name=found["name"], file=file,
        text=found["plugin"] == "onlinetext",
    )  # fmt: skip


def canvas(item: Item) -> Part | None:
    """Return what Canvas says in the name of an item, or None."""
    found = None if item.folder else _CANVAS.fullmatch(item.name)
    if found is None:
        return None
    who = found["who"] or f"anon-{found['anonymous']}"
    return Part(
        who=who, known=bool(found["who"]), name=found["name"] or who, late=bool(found["late"] or found["early"]),
        file=found["file"] or found["text"], text=bool(found["text"]),
    )  # fmt: skip


PARSERS: dict[Platform, Callable[[Item], Part | None]] = {"moodle": moodle, "canvas": canvas}


def attempt_of(file: str) -> tuple[str, int]:
    """Return a file's name without the number that Canvas adds to one used before, and which attempt that makes it."""
    stem = archive.stem(file)
    found = _AGAIN.fullmatch(stem)
    return (found["base"] + file[len(stem) :], int(found["number"]) + 1) if found else (file, 1)


def recognised(items: Sequence[Item]) -> Platform | Literal["blackboard", "gradescope"] | None:
    """Return the platform that named these items: one such name is enough for Moodle's, Canvas's is half of them."""
    if any(map(moodle, items)):
        return "moodle"
    if gradescope.recognised(items):
        return "gradescope"
    if blackboard.recognised(items):
        return "blackboard"
    found = sum(canvas(item) is not None for item in items)
    return "canvas" if found and found * 2 >= len(items) else None
