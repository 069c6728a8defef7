"""Where a student's submission lies in the end: in place if it can be used there, else copied into a folder of ours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grader import catalogue, policy
from grader.errors import GraderError, SubmissionRefusedError
from grader.intake import names
from grader.intake.limits import CopyLimits
from grader.intake.place import empty
from grader.intake.tree import Tree
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from grader.batch.classes.collection import Collection, Piece

_SHOWN = 5
# What a student may hand in as one file is judged when that file is opened; here it only must not fill the disk.
_LIMITS = CopyLimits(total_bytes=1024**3, file_bytes=1024**3, seconds=300.0)


class Delivery:
    """Gets submissions out of a class, one after the other; into: a folder of ours; notices: what there was to say."""

    def __init__(self, collection: Collection, into: Path) -> None:
        self.collection = collection
        self.notices: list[Text] = collection.notices
        self._into = into.resolve()

    def deliver(self, pieces: Sequence[Piece], student: str, attempt: int = 1) -> str:
        """Return the absolute path of what the student handed in with these pieces.

        What no submission may hold leaves an empty folder, which is refused when it is graded, and a notice.
        """
        only = pieces[0].item if len(pieces) == 1 else None
        usable = only is not None and (only.folder or archived(only.name))
        at = self.collection.whole(only) if only and usable else None
        return str(_opened(at or self._copied(pieces, student, attempt)))

    def _copied(self, pieces: Sequence[Piece], student: str, attempt: int) -> Path:
        place = self._into / str(attempt) / student
        try:
            place.mkdir(parents=True)
        except OSError as error:
            raise GraderError(
                msg("The copy of the submission cannot be written: %(why)s", why=error.strerror or str(error)),
                msg("Make room on the disk that holds temporary files."),
            ) from error
        tree = Tree(place, _LIMITS, partial(policy.left_behind, catalogue=catalogue.load()))
        try:
            self.collection.hand(pieces, tree)
            return tree.finish()
        except SubmissionRefusedError as error:
            empty(place)
            for finding in error.findings[:3]:
                self.notices.append(
                    msg("%(student)s: nothing of this submission can be used (%(code)s, %(file)s).", student=student,
                        code=finding.code, file=finding.file or "?")
                )  # fmt: skip
            return place

    def say_strangers(self, found: Sequence[str]) -> None:
        """Note entries of the class that are no student's."""
        if found:
            self.notices.append(
                msg("What belongs to no student was left out (%(count)d): %(files)s", count=len(found),
                    files=", ".join(map(names.shown, found[:_SHOWN])) + (", …" if len(found) > _SHOWN else ""))
            )  # fmt: skip

    def say_left(self, student: str, file: str, count: int) -> None:
        """Note that one archive is the submission and what lies beside it is not."""
        self.notices.append(
            msg("%(student)s: %(file)s is graded; what lies beside it is not (%(count)d).", student=student,
                file=names.shown(file), count=count)
        )  # fmt: skip


def _opened(at: Path) -> Path:
    """Return the archive that is all there is in a folder: what a platform wraps one in is nothing to be told of."""
    try:
        found = [entry for entry in at.iterdir() if not entry.name.startswith(".")] if at.is_dir() else []
    except OSError:  # intake will say so
        return at
    only = found[0] if len(found) == 1 and not names.odd(found[0].name) else None
    return only if only and archived(only.name) and only.is_file() and not only.is_symlink() else at


def archived(name: str) -> bool:
    """Say whether a file of this name is an archive."""
    return name.lower().endswith(names.ARCHIVE_SUFFIXES)
