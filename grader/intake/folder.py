"""Intake of a folder: copy regular files, folders and harmless links; refuse or leave out everything else."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import stat
from collections import deque
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from grader.intake import clone_files, git, names
from grader.intake.limits import BLOCK
from grader.model.text import msg

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from grader.intake.tree import Tree


_CLONES = 20
# In an index (version 2) the mode of a commit; owner, size, hash and flags stand between it and the name.
_GITLINK = re.compile(rb"(?=\x00\x00\xe0\x00.{34}([^\x00]{1,1000})\x00)", re.DOTALL)
_INDEX_BYTES = 16 * 1024 * 1024


def read(source: Path, tree: Tree) -> None:
    """Hand all of the folder `source` to `tree`."""
    survey(source, tree)
    tree.settle_survey()
    tree.choose_archive()
    copy(source, tree)
    git.say_missing(tree, list(_nested(source, tree)))


def copy(source: Path, tree: Tree) -> None:
    """Copy what the folder holds."""
    _folder(source, (), tree)


def survey(source: Path, tree: Tree) -> None:
    """Let the tree see the names, the upper folders first; what cannot be read is told later, if it matters."""
    waiting: deque[tuple[str, ...]] = deque([()])
    while waiting and not tree.survey.overflowed:
        above = waiting.popleft()
        with contextlib.suppress(OSError), os.scandir(source.joinpath(*above)) as scan:
            for entry in scan:
                tree.tick()
                parts = (*above, entry.name)
                if entry.is_symlink():
                    tree.survey.see(parts, "link", str(Path(entry.path).readlink()))
                elif entry.is_dir(follow_symlinks=False):
                    tree.survey.see(parts, "folder")
                    if not names.left_out(entry.name, ()):
                        waiting.append(parts)
                elif tree.survey.see(parts, "file"):
                    with contextlib.suppress(OSError), _opened(Path(entry.path)) as reader:
                        tree.survey.tell(parts, _blocks(reader) if _regular(reader) else ())


def _nested(source: Path, tree: Tree) -> Iterator[PurePosixPath]:
    """Yield the empty folders of clones that stand for other repositories: an index has a commit's name for them."""
    empty = tree.survey.empty_folders()
    for clone in tree.survey.folders_with(".git")[:_CLONES] if empty else ():
        index = clone_files.read(source / clone, "index", _INDEX_BYTES)
        linked = {clone / os.fsdecode(found[1]) for found in _GITLINK.finditer(index)}
        yield from (folder for folder in empty if folder in linked)


def _folder(source: Path, parts: tuple[str, ...], tree: Tree) -> None:
    try:
        with os.scandir(source.joinpath(*parts)) as scan:
            found = sorted(itertools.islice(scan, tree.limits.entries + 1), key=lambda e: e.name)
    except OSError as error:
        _unreadable(tree, parts, error)
        return
    for entry in found:
        try:
            _entry(source, entry, (*parts, entry.name), tree)
        except OSError as error:
            _unreadable(tree, (*parts, entry.name), error)


def _entry(source: Path, entry: os.DirEntry[str], parts: tuple[str, ...], tree: Tree) -> None:
    if entry.is_symlink():
        path = tree.place(parts, "link")
        if path:
            tree.link(path, str(Path(entry.path).readlink()))
    elif entry.is_dir(follow_symlinks=False):
        if tree.place(parts, "folder") and not tree.survey.closed(parts):
            _folder(source, parts, tree)
    else:
        path = tree.place(parts, "file")
        if path and entry.is_file(follow_symlinks=False):
            _file(source.joinpath(*parts), path, tree)
        elif path:
            tree.special(str(path))


def _file(source: Path, path: PurePosixPath, tree: Tree) -> None:
    """Copy one regular file."""
    with _opened(source) as reader:
        if _regular(reader):
            executable = bool(os.fstat(reader.fileno()).st_mode & 0o111)
            tree.file(path, _blocks(reader), executable=executable)
        else:
            tree.remarks.error("special-file", msg("%(path)s is not a regular file.", path=str(path)), str(path))


def _opened(source: Path) -> io.FileIO:
    """Open without following a link swapped in since, and without waiting for the other end of a pipe."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    return os.fdopen(descriptor, "rb", buffering=0)


def _regular(reader: io.FileIO) -> bool:
    return stat.S_ISREG(os.fstat(reader.fileno()).st_mode)


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
