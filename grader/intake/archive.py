"""Intake of an archive: what it is by its content, and each way of being broken turned into a refusal."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import IO, TYPE_CHECKING, Literal, NoReturn

from grader.intake import names, tar, tar_header, zip_file
from grader.intake.streams import BROKEN, Source
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grader.intake.tree import Tree

Format = Literal["zip", "tar", "gzip", "bzip2", "xz", "zstd", "bundle", "rar", "7z"]

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"# v2 git bundle\n", "bundle"),
    (b"# v3 git bundle\n", "bundle"), (b"Rar!\x1a\x07", "rar"), (b"7z\xbc\xaf\x27\x1c", "7z"),
)  # fmt: skip
_SUFFIXES: dict[Format, tuple[str, ...]] = {
    "zip": (".zip",), "tar": (".tar",), "gzip": (".tar.gz", ".tgz"), "bzip2": (".tar.bz2", ".tbz2", ".tbz"),
    "xz": (".tar.xz", ".txz"), "zstd": (".tar.zst", ".tzst"), "bundle": (".bundle",),
}  # fmt: skip


def kind(source: Path) -> Format | None:
    """Return what the file is, by its content; None if it is no archive or no regular file."""
    if not stat.S_ISREG(source.stat().st_mode):  # opening a device may do something, a socket cannot be opened
        return None
    with _opened(source) as file:
        head = file.read(512)
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if len(head) == 512 and _tar_header(head):
        return "tar"
    return None


def read(source: Path, found: Format, tree: Tree) -> None:
    """Hand all that the archive holds to `tree`; raises SubmissionRefusedError for one that is broken."""
    name = names.shown(source.name)
    if found in {"rar", "7z"}:
        refuse(source, tree)
    _say_suffix(name, found, tree)
    with _opened(source) as file, broken_is_refused(tree, name):
        if found == "zip":
            zip_file.read(file, tree, name)
        else:
            tar.read(lambda: _source(file, found, tree, name), tree, name)


@contextlib.contextmanager
def broken_is_refused(tree: Tree, name: str) -> Iterator[None]:
    """Refuse as damaged what cannot be read within; `name` is what to call it."""
    try:
        yield
    except BROKEN:
        tree.remarks.damaged(name, msg("%(file)s is damaged or cut off.", file=name))
    except OSError as error:
        if error.errno is not None:  # bz2 raises OSError for wrong data
            raise
        tree.remarks.damaged(name, msg("%(file)s is damaged or cut off.", file=name))


def only(root: Path) -> Path | None:
    """Return the archive that is all there is in a folder, or None."""
    found = list(root.iterdir())
    if len(found) != 1 or found[0].is_symlink() or not found[0].is_file():
        return None
    named = found[0].name.lower().endswith(names.ARCHIVE_SUFFIXES)
    return found[0] if named or kind(found[0]) else None


def refuse(source: Path, tree: Tree) -> NoReturn:
    """Refuse a file that is none of the archives that are understood."""
    name = names.shown(source.name)
    if source.name.lower().endswith(names.ARCHIVE_SUFFIXES):
        tree.remarks.refuse(
            "archive-not-supported",
            msg("%(file)s is no archive that can be read here.", file=name),
            name,
            msg("Hand in the folder itself, a zip, or a tar.gz."),
        )
    tree.remarks.refuse(
        "not-a-folder",
        msg("%(file)s is a file; a submission is a folder with a compose file.", file=name),
        name,
        msg("Name the folder that holds the compose file."),
    )


def stem(name: str) -> str:
    """Return an archive's name without the ending that says how it is packed."""
    for suffix in sorted(names.ARCHIVE_SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def _say_suffix(name: str, found: Format, tree: Tree) -> None:
    if not name.lower().endswith(_SUFFIXES[found]):
        tree.remarks.notice(
            "archive-misnamed",
            msg("%(file)s is a %(format)s archive by its content.", file=name, format=found),
            name,
            msg("Let its name end in %(suffix)s.", suffix=_SUFFIXES[found][0]),
        )


def _source(file: IO[bytes], found: Format, tree: Tree, name: str) -> Source:
    file.seek(0)
    return Source(file, found, tree, name)


def _opened(source: Path) -> IO[bytes]:
    """Open without waiting for the other end of a pipe."""
    return os.fdopen(os.open(source, os.O_RDONLY | os.O_NONBLOCK), "rb")


def _tar_header(block: bytes) -> bool:
    try:
        tar_header.parse(block)
    except ValueError:
        return not any(block)  # an empty archive
    return True
