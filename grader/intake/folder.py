"""Intake of a folder: copy regular files, folders and harmless links; refuse or leave out everything else."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from grader.intake import names
from grader.intake.limits import BLOCK
from grader.model.text import msg

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from grader.intake.tree import Tree


def read(source: Path, tree: Tree) -> None:
    """Hand all of the folder `source` to `tree`."""
    _folder(source, (), tree)


def _folder(source: Path, parts: tuple[str, ...], tree: Tree) -> None:
    try:
        with os.scandir(source.joinpath(*parts)) as scan:
            found = sorted(itertools.islice(scan, tree.limits.entries + 1), key=lambda e: e.name)
    except OSError as error:
        _unreadable(tree, parts, error)
        return
    beside = {e.name for e in found}
    for entry in found:
        try:
            _entry(source, entry, (*parts, entry.name), beside, tree)
        except OSError as error:
            _unreadable(tree, (*parts, entry.name), error)


def _entry(source: Path, entry: os.DirEntry[str], parts: tuple[str, ...], beside: set[str], tree: Tree) -> None:
    if entry.is_symlink():
        path = tree.place(parts, "link", beside)
        if path:
            tree.link(path, str(Path(entry.path).readlink()))
    elif entry.is_dir(follow_symlinks=False):
        if tree.place(parts, "folder", beside):
            _folder(source, parts, tree)
    else:
        path = tree.place(parts, "file", beside)
        if path and entry.is_file(follow_symlinks=False):
            _file(source.joinpath(*parts), path, tree)
        elif path:
            tree.special(str(path))


def _file(source: Path, path: PurePosixPath, tree: Tree) -> None:
    """Copy one regular file; opened without following a link swapped in since."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as reader:
        mode = os.fstat(reader.fileno()).st_mode
        if stat.S_ISREG(mode):
            tree.file(path, _blocks(reader), executable=bool(mode & 0o111))
        else:
            tree.remarks.error("special-file", msg("%(path)s is not a regular file.", path=str(path)), str(path))


def _blocks(reader: io.FileIO) -> Iterator[bytes]:
    while block := reader.read(BLOCK):
        yield block


def _unreadable(tree: Tree, parts: tuple[str, ...], error: OSError) -> None:
    path = names.shown("/".join(parts))
    tree.remarks.error(
        "unreadable-file",
        msg("%(path)s cannot be read: %(why)s.", path=path, why=error.strerror or str(error)),
        path,
    )
