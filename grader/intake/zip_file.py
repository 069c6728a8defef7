"""Intake of a zip archive."""

from __future__ import annotations

import bz2
import contextlib
import stat
import zlib
from typing import IO, TYPE_CHECKING

from grader.intake import links, names, zip_directory
from grader.intake.limits import BLOCK
from grader.intake.streams import BROKEN, Inflate
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePosixPath

    from grader.intake.streams import Decompressor
    from grader.intake.tree import Tree
    from grader.intake.zip_directory import ZipEntry

_STORED, _DEFLATED, _BZIP2 = 0, 8, 12
_CHUNK = 64 * 1024


def read(file: IO[bytes], tree: Tree, name: str) -> None:
    """Hand all that the archive holds to `tree`."""
    found = zip_directory.entries(file, tree.limits, tree.remarks, name)
    for entry in found:
        see_entry(file, entry, tree)
    tree.settle_survey()
    tree.choose_archive()
    for entry in found:
        take_entry(file, entry, tree)


def see_entry(file: IO[bytes], entry: ZipEntry, tree: Tree) -> None:
    """Let the tree see an entry's name, and its text if that tells what is left out; what is broken is told later."""
    tree.tick()
    parts = names.archive_parts(entry.name) or ()
    kind = stat.S_IFMT(entry.mode)
    if kind == stat.S_IFDIR or entry.name.endswith(("/", "\\")):
        tree.survey.see(parts, "folder")
    elif kind == stat.S_IFLNK:
        if 0 < entry.size <= links.TARGET_BYTES and not entry.encrypted:
            with contextlib.suppress(*BROKEN, OSError):
                tree.survey.see(parts, "link", b"".join(_data(file, entry)).decode("utf-8", "surrogateescape"))
    elif tree.survey.see(parts, "file") and not entry.encrypted:
        with contextlib.suppress(*BROKEN, OSError):
            tree.survey.tell(parts, _data(file, entry))


def take_entry(file: IO[bytes], entry: ZipEntry, tree: Tree) -> None:
    """Hand one entry to `tree`; raises what `read` raises."""
    kind = stat.S_IFMT(entry.mode)
    if kind == stat.S_IFDIR or entry.name.endswith(("/", "\\")):
        if entry.size:
            raise ValueError(entry.size)
        tree.place_named(entry.name, "folder")
        return
    path = tree.place_named(entry.name, "link" if kind == stat.S_IFLNK else "file")
    if path is None:
        return
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        tree.special(str(path))
    elif not _readable(entry, path, tree):
        return
    elif kind == stat.S_IFLNK:
        if entry.size > links.TARGET_BYTES:
            raise ValueError(entry.size)
        tree.link(path, b"".join(_data(file, entry)).decode("utf-8", "surrogateescape"))
    else:
        tree.check_size(path, entry.size)
        tree.file(path, _data(file, entry), executable=bool(entry.mode & 0o111))


def beginning(file: IO[bytes], entry: ZipEntry, most: int) -> bytes:
    """Return the first bytes of an entry, as many as there are until it is broken."""
    found = b""
    with contextlib.suppress(*BROKEN, OSError):
        for block in () if entry.encrypted else _data(file, entry):
            found += block
            if len(found) >= most:
                break
    return found[:most]


def _readable(entry: ZipEntry, path: PurePosixPath, tree: Tree) -> bool:
    if entry.encrypted:
        tree.remarks.error(
            "archive-encrypted",
            msg("%(path)s is encrypted with a password.", path=str(path)),
            str(path),
            msg("Save the archive without a password."),
        )
        return False
    if entry.method not in {_STORED, _DEFLATED, _BZIP2}:
        tree.remarks.error(
            "archive-method",
            msg("%(path)s is compressed by method %(method)d, which few programs read.", path=str(path),
                method=entry.method),
            str(path),
            msg("Save it as a normal zip (deflate)."),
        )  # fmt: skip
        return False
    return True


def _data(file: IO[bytes], entry: ZipEntry) -> Iterator[bytes]:
    """Yield the entry's content; ValueError or EOFError unless size and checksum are what was declared."""
    size = crc = 0
    for block in _unpacked(file, entry):
        size += len(block)
        crc = zlib.crc32(block, crc)
        if size > entry.size:
            raise ValueError(size)
        yield block
    if (size, crc) != (entry.size, entry.crc):
        raise ValueError(size)


def _unpacked(file: IO[bytes], entry: ZipEntry) -> Iterator[bytes]:
    packed = _packed(file, entry)
    if entry.method == _STORED:
        yield from packed
        return
    unpacker: Decompressor = Inflate(-15) if entry.method == _DEFLATED else bz2.BZ2Decompressor()
    while not unpacker.eof:
        data = b""
        if unpacker.needs_input and not (data := next(packed, b"")):
            raise EOFError
        yield unpacker.decompress(data, BLOCK)
    if unpacker.unused_data or next(packed, b""):
        raise ValueError("data after the end")


def _packed(file: IO[bytes], entry: ZipEntry) -> Iterator[bytes]:
    file.seek(entry.start)
    left = entry.packed
    while left:
        data = file.read(min(left, _CHUNK))
        if not data:
            raise EOFError
        left -= len(data)
        yield data
