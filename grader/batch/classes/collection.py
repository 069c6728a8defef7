"""What lies at the top of a class, in a folder or in a zip, and how a student's part of it is got out."""

from __future__ import annotations

import itertools
import os
import stat
from typing import TYPE_CHECKING, Protocol

import msgspec

from grader.errors import UsageError
from grader.intake import folder, names
from grader.intake.limits import BLOCK
from grader.model.text import Text, msg
from grader.untrusted import one_line

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from grader.intake.tree import Tree

MOST = 100_000  # entries at the top of a class: more is no class


class Item(msgspec.Struct, frozen=True):
    """An entry at the top of a class, by its name; with what it holds if it is a folder (names, unsorted)."""

    name: str
    folder: bool = False


class Piece(msgspec.Struct, frozen=True):
    """An item that belongs to a submission; name: what a file is called within, unused for a folder."""

    item: Item
    name: str = ""


class Collection(Protocol):
    """A class that can be looked through and delivered from."""

    name: str
    notices: list[Text]

    @property
    def items(self) -> list[Item]: ...  # noqa: D102 - sorted by name, without what is hidden or left out

    def whole(self, item: Item) -> Path | None:
        """Return where an item lies already so that it can be used there, or None."""

    def within(self, item: Item) -> list[str]:
        """Return the names directly within an item that is a folder."""

    def text(self, item: Item, most: int) -> bytes:
        """Return the first bytes of a file, none if it cannot be read."""

    def hand(self, pieces: Sequence[Piece], tree: Tree) -> None:
        """Copy all pieces of one submission; raises SubmissionRefusedError for what no submission may hold."""

    def inner(self) -> Collection | None:
        """Return what lies in the only folder, if there is nothing else."""


class FolderCollection:
    """A class in a folder of this machine; nothing is copied that can be used where it lies."""

    def __init__(self, root: Path, ours: Path) -> None:
        """ours: a folder that the grader writes to; what holds it is no submission."""
        self.notices: list[Text] = []
        self.name = str(root)
        self._root = root.resolve()
        self._ours = ours.resolve()
        self.items = self._listed()

    def whole(self, item: Item) -> Path | None:
        """Return the item's own path."""
        return self._root / item.name

    def within(self, item: Item) -> list[str]:
        """Return the names within a folder; none if it cannot be read, which intake will say."""
        try:
            with os.scandir(self._root / item.name) as scan:
                return sorted(entry.name for entry in itertools.islice(scan, MOST))
        except OSError:
            return []

    def text(self, item: Item, most: int) -> bytes:
        """Return the first bytes of a file; a link is none."""
        try:
            descriptor = os.open(self._root / item.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as reader:
                return reader.read(most) if stat.S_ISREG(os.fstat(reader.fileno()).st_mode) else b""
        except OSError:
            return b""

    def hand(self, pieces: Sequence[Piece], tree: Tree) -> None:
        """Copy the files among `pieces`, and all that lies in its folders."""
        for piece in pieces:
            if piece.item.folder:
                folder.survey(self._root / piece.item.name, tree)
        tree.settle_survey()
        for piece in pieces:
            path = self._root / piece.item.name
            if piece.item.folder:
                folder.copy(path, tree)
            else:
                _file(path, piece.name, tree)

    def inner(self) -> Collection | None:
        """Return the class within the only folder."""
        only = self.items[0] if len(self.items) == 1 else None
        return FolderCollection(self._root / only.name, self._ours) if only and only.folder else None

    def _listed(self) -> list[Item]:
        try:
            with os.scandir(self._root) as scan:
                found = sorted(itertools.islice(scan, MOST + 1), key=lambda e: names.key((e.name,)))
        except OSError as error:
            raise UsageError(
                msg(
                    "%(path)s cannot be read: %(why)s.",
                    path=one_line(str(self._root)),
                    why=error.strerror or str(error),
                )
            ) from error
        check_number(found, self._root.name)
        return [Item(entry.name, entry.is_dir()) for entry in found if self._wanted(entry)]

    def _wanted(self, entry: os.DirEntry[str]) -> bool:
        if aside(entry.name) or self._ours.is_relative_to(self._root / entry.name):
            return False
        if entry.is_symlink():
            self.notices.append(msg("%(name)s is a link and was left out.", name=names.shown(entry.name)))
            return False
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            self.notices.append(
                msg("%(name)s was left out: its name is no text. Rename it.", name=names.shown(entry.name))
            )
            return False
        return True


def aside(name: str) -> bool:
    """Say whether an entry at the top of a class is no student's: hidden, a system's, or the grader's own."""
    return name.startswith(".") or names.left_out(name, ())


def check_number(found: Sequence[object], name: str) -> None:
    """Refuse what holds more than any class does."""
    if len(found) > MOST:
        raise UsageError(msg("%(path)s holds more than %(limit)d entries: no class.", path=one_line(name), limit=MOST))


def _file(path: Path, name: str, tree: Tree) -> None:
    """Copy one file without following a link."""
    place = tree.place((name,), "file")
    if place is None:
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        why = error.strerror or str(error)
        tree.remarks.error(
            "unreadable-file", msg("%(path)s cannot be read: %(why)s.", path=str(place), why=why), str(place)
        )
        return
    with os.fdopen(descriptor, "rb", buffering=0) as reader:
        if stat.S_ISREG(os.fstat(reader.fileno()).st_mode):
            tree.file(place, _blocks(reader), executable=False)
        else:
            tree.special(str(place))


def _blocks(reader: io.FileIO) -> Iterator[bytes]:
    while block := reader.read(BLOCK):
        yield block
