"""A class in a zip: hostile, since students named what lies in it; read by intake, one submission at a time."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import msgspec

from grader.batch.classes.collection import Item, aside, check_number
from grader.errors import SubmissionRefusedError, UsageError
from grader.intake import archive, names, zip_directory, zip_file
from grader.intake.findings import Remarks
from grader.intake.limits import CopyLimits
from grader.intake.streams import BROKEN
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from grader.batch.classes.collection import Collection, Piece
    from grader.intake.tree import Tree
    from grader.intake.zip_directory import ZipEntry

CLASS_BYTES = 20 * 1024**3  # of all submissions of a class as they are handed in, unpacked once
_DIRECTORY = CopyLimits(entries=300_000)


class ZipCollection:
    """A class in a zip whose directory has been read; nothing is unpacked before it is asked for."""

    def __init__(self, file: IO[bytes], name: str, entries: Sequence[tuple[str, ZipEntry]]) -> None:
        """entries: each with its name below the top of the class."""
        self.notices: list[Text] = []
        self._file = file
        self.name = name
        self._left = CLASS_BYTES
        self._below: dict[str, list[tuple[str, ZipEntry]]] = {}
        self._folders: set[str] = set()
        for path, entry in entries:
            self._sort_in(path, entry)
        self.items = [
            Item(top, top in self._folders)
            for top in sorted(self._below, key=lambda n: names.key((n,)))
            if not aside(top)
        ]
        check_number(self.items, name)

    def whole(self, item: Item) -> Path | None:
        """Return None: everything has to be unpacked."""

    def within(self, item: Item) -> list[str]:
        """Return the names directly within a folder."""
        return sorted({rest.split("/")[0] for rest, _ in self._below[item.name] if rest})

    def text(self, item: Item, most: int) -> bytes:
        """Return the first bytes of a file."""
        entry = next((entry for rest, entry in self._below[item.name] if not rest), None)
        return zip_file.beginning(self._file, entry, most) if entry else b""

    def hand(self, pieces: Sequence[Piece], tree: Tree) -> None:
        """Unpack all pieces of one submission into `tree`."""
        before = tree.bytes
        entries = [
            msgspec.structs.replace(entry, name=rest if piece.item.folder else piece.name)
            for piece in pieces
            for rest, entry in self._below[piece.item.name]
            if rest or not piece.item.folder
        ]
        for entry in entries:
            zip_file.see_entry(self._file, entry, tree)
        tree.settle_survey()
        for entry in entries:
            self._unpack(entry, tree)
        self._left -= tree.bytes - before
        if self._left < 0:
            raise UsageError(
                msg("%(file)s unpacks to more than %(limit)d GiB. Hand it over in parts.", file=self.name,
                    limit=CLASS_BYTES >> 30)
            )  # fmt: skip

    def inner(self) -> Collection | None:
        """Return the class within the only folder."""
        only = self.items[0] if len(self.items) == 1 else None
        if only is None or not only.folder:
            return None
        return ZipCollection(self._file, self.name, [found for found in self._below[only.name] if found[0]])

    def _sort_in(self, path: str, entry: ZipEntry) -> None:
        path = path.replace("\\", "/")
        while path.startswith("./"):
            path = path[2:]
        top, slash, rest = path.partition("/")
        if path in {"", "."}:
            return
        if not names.archive_parts(top):  # "..", a drive, or the root: below a folder it is the student's own fault
            self.notices.append(
                msg("%(file)s: the entry %(path)s leads out of the archive and was left out.", file=self.name,
                    path=names.shown(path))
            )  # fmt: skip
            return
        self._below.setdefault(top, []).append((rest.lstrip("/"), entry))
        if slash:
            self._folders.add(top)

    def _unpack(self, entry: ZipEntry, tree: Tree) -> None:
        name = names.shown(entry.name)
        with archive.broken_is_refused(tree, name):
            zip_file.take_entry(self._file, entry, tree)  # under a name of ours


def opened(file: IO[bytes], path: Path) -> ZipCollection:
    """Read the directory of a class's zip; raises UsageError for one that cannot be read or trusted."""
    name = names.shown(path.name)
    try:
        found = zip_directory.entries(file, _DIRECTORY, Remarks(), name)
    except (*BROKEN, SubmissionRefusedError) as error:
        raise UsageError(
            msg(
                "%(file)s is no zip that can be read: it is damaged, cut off, or says two things at once. "
                "Download it again, or unpack it and name the folder.",
                file=name,
            )
        ) from error
    return ZipCollection(file, name, [(entry.name, entry) for entry in found])
