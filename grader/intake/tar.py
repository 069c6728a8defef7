"""Intake of a tar archive, read forwards twice: names first (they tell build output), then the files."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING, NoReturn

import msgspec

from grader.intake import names, tar_header
from grader.intake.limits import BLOCK
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grader.intake.streams import Source
    from grader.intake.tree import Tree

_SURVEYED = 3  # as many times of what may be unpacked is read before it is known what of it is old data of a container
_HEADER_BYTES = 64 * 1024  # an extended header is read as a whole
_REGULAR = {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}
_EXTENDED = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE}
_LONG = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_SPECIAL = {tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE}


class _Entry(msgspec.Struct, frozen=True):
    name: str
    type: bytes
    size: int
    target: str
    executable: bool


def read(opened: Callable[[], Source], tree: Tree, file: str) -> None:
    """Hand all that the archive holds to `tree`; `opened` gives the stream anew each time."""
    stream = opened()
    stream.allow(_SURVEYED * tree.limits.read_bytes)
    for entry in _entries(stream, tree, file):
        _see(entry, stream, tree)
    tree.settle_survey()
    tree.choose_archive()
    stream = opened()
    for entry in _entries(stream, tree, file):
        _take(entry, stream, tree)


def _see(entry: _Entry, stream: Source, tree: Tree) -> None:
    """Let the tree see an entry; afterwards the stream stands at the next header."""
    parts = names.archive_parts(entry.name) or ()
    blocks = _blocks(stream, entry.size)
    if entry.type == tarfile.DIRTYPE or entry.name.endswith("/"):
        tree.survey.see(parts, "folder")
    elif entry.type == tarfile.SYMTYPE:
        tree.survey.see(parts, "link", entry.target)
    elif tree.survey.see(parts, "file"):
        tree.survey.tell(parts, blocks)
    for _ in blocks:
        pass
    _skip(stream, -entry.size % tar_header.RECORD, padded=False)


def _take(entry: _Entry, stream: Source, tree: Tree) -> None:
    """Copy one entry; afterwards the stream stands at the next header."""
    is_folder = entry.type == tarfile.DIRTYPE or (entry.type in _REGULAR and entry.name.endswith("/"))
    if entry.type == b"V":  # a label of the volume, no file
        _skip(stream, entry.size)
    elif is_folder:
        tree.place_named(entry.name, "folder")
        _skip(stream, entry.size)
    elif entry.type == tarfile.SYMTYPE:
        path = tree.place_named(entry.name, "link")
        if path:
            tree.link(path, entry.target)
    elif entry.type == tarfile.LNKTYPE:
        _hard_link(entry, tree)
    elif entry.type in _REGULAR:
        _file(entry, stream, tree)
    else:
        path = tree.place_named(entry.name, "file")
        if path:
            tree.special(str(path))
        _skip(stream, entry.size)


def _file(entry: _Entry, stream: Source, tree: Tree) -> None:
    """Copy one file, or compare it: `tar -r` and `tar -u` append what they have again."""
    if tree.survey.data(names.archive_parts(entry.name) or (), "file"):
        stream.allow(entry.size)  # it does not count; that it has to be read costs time, which does
    blocks = _blocks(stream, entry.size)
    again = tree.copied(entry.name)
    if again:
        tree.repeated(again, blocks, executable=entry.executable)
    elif path := tree.place_named(entry.name, "file"):
        tree.check_size(path, entry.size)
        tree.file(path, blocks, executable=entry.executable)
    for _ in blocks:  # of what is not copied
        pass
    _skip(stream, -entry.size % tar_header.RECORD, padded=False)


def _hard_link(entry: _Entry, tree: Tree) -> None:
    """Copy the file again that an earlier entry brought: GNU tar writes so what has two names on the author's disk."""
    again = tree.copied(entry.name)
    path = again or tree.place_named(entry.name, "file")
    if not path:
        return
    target = tree.is_file(names.archive_parts(entry.target) or ())
    if not target or target == path:
        tree.link_refused(path, entry.target)
        return
    source = tree.into / target
    with source.open("rb") as reader:
        executable = bool(source.stat().st_mode & 0o100)
        write = tree.repeated if again else tree.file
        write(path, iter(lambda: reader.read(BLOCK), b""), executable=executable)


def _entries(stream: Source, tree: Tree, file: str) -> Iterator[_Entry]:
    """Yield each entry with its extended headers applied; checks what follows the end."""
    extended: dict[str, str] = {}
    kinds: set[bytes] = set()
    entries = 0
    while any(block := stream.exactly(tar_header.RECORD)):
        tree.tick()
        entries += 1
        if entries > tree.limits.ignored_entries + tree.limits.entries:
            tree.remarks.refuse(
                "too-many-files",
                msg("There are more than %(limit)d files.", limit=tree.limits.ignored_entries),
                file,
                msg("Hand in sources only: no installed packages, data or build output."),
            )
        info = tar_header.parse(block)
        if info.type in _EXTENDED or info.type in _LONG:
            said = _extended(info, stream, tree, file)
            if info.type in kinds or any(extended.get(key, value) != value for key, value in said.items()):
                _two_things(tree, file)
            extended |= said
            kinds |= {info.type} - {tarfile.XGLTYPE}
            continue
        entry = _entry(info, extended)
        if "sparse" in extended or info.type in {tarfile.GNUTYPE_SPARSE, b"M", b"D"}:
            tree.remarks.refuse(
                "archive-entry-unsupported",
                msg("%(path)s is stored in a way that only some programs read (sparse, or in parts).",
                    path=names.shown(entry.name)),
                names.shown(entry.name),
                msg("Make the archive with: %(command)s", command="tar -czf entrega.tar.gz -C FOLDER ."),
            )  # fmt: skip
        without_data = entry.type in {tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, *_SPECIAL}
        if entry.size and (without_data or entry.name.endswith("/")):
            raise ValueError(entry.size)  # programs differ on whether data follow
        extended, kinds = {}, set()
        yield entry
    if kinds:
        raise ValueError("a header without an entry")
    while rest := stream.read(BLOCK):
        if rest != bytes(len(rest)):
            tree.remarks.ambiguous(file, msg("%(file)s has something else after its end.", file=file))


def _two_things(tree: Tree, file: str) -> NoReturn:
    tree.remarks.ambiguous(file, msg("%(file)s describes the same entry in two different ways.", file=file))


def _entry(info: tar_header.Header, extended: dict[str, str]) -> _Entry:
    size = extended.get("size", str(info.size))
    if not re.fullmatch(r"[0-9]{1,18}", size) or int(size) != info.size:
        raise ValueError(size[:40])  # only what has more than 8 GiB needs the record; here both must say the same
    return _Entry(
        name=extended.get("path", info.name),
        type=info.type,
        size=info.size,
        target=extended.get("linkpath", info.target),
        executable=bool(info.mode & 0o111),
    )


def _extended(info: tar_header.Header, stream: Source, tree: Tree, file: str) -> dict[str, str]:
    """Read one extended header: what it says of the entry that follows."""
    if info.size > _HEADER_BYTES:
        tree.remarks.refuse(
            "archive-header-too-large",
            msg("An extended header is larger than %(limit)d KiB.", limit=_HEADER_BYTES >> 10),
            file,
            msg("Make the archive with: %(command)s", command="tar -czf entrega.tar.gz -C FOLDER ."),
        )
    data = stream.exactly(info.size)
    _skip(stream, -info.size % tar_header.RECORD, padded=False)
    if info.type in _LONG:
        return {_LONG[info.type]: data.rstrip(b"\0").decode("utf-8", "surrogateescape")}
    said = _pax(data)
    if info.type == tarfile.XGLTYPE:
        if said.keys() & {"path", "linkpath", "size", "sparse"}:  # a name for every file: no honest program does it
            raise ValueError(sorted(said))
        return {}
    return said


def _pax(data: bytes) -> dict[str, str]:
    """Parse records of a length, a key and a value; only what matters here is kept."""
    said: dict[str, str] = {}
    at = 0
    while at < len(data):
        head = re.compile(rb"([1-9][0-9]{0,5}) ([^=\n]+)=").match(data, at)
        if not head:
            raise ValueError("pax header")
        end = at + int(head[1])
        if end > len(data) or end <= head.end() or data[end - 1] != 0x0A:
            raise ValueError("pax header")
        key = head[2].decode("utf-8", "replace")
        if key in {"path", "linkpath", "size"}:
            if key in said:
                raise ValueError(key)
            said[key] = data[head.end() : end - 1].decode("utf-8", "surrogateescape")
        elif key.startswith("GNU.sparse.") or key == "SCHILY.realsize":
            said["sparse"] = ""
        at = end
    return said


def _blocks(stream: Source, size: int) -> Iterator[bytes]:
    while size:
        block = stream.read(min(size, BLOCK))
        if not block:
            raise EOFError
        size -= len(block)
        yield block


def _skip(stream: Source, size: int, *, padded: bool = True) -> None:
    for _ in _blocks(stream, size + (-size % tar_header.RECORD if padded else 0)):
        pass
