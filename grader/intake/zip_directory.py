"""The directory of a zip archive, read by ourselves: bounded, and refused where two programs would see two archives."""

from __future__ import annotations

import os
import struct
from typing import IO, TYPE_CHECKING

import msgspec

from grader.intake import zip_fields
from grader.model.text import msg

if TYPE_CHECKING:
    from grader.intake.findings import Remarks
    from grader.intake.limits import CopyLimits

_END = b"PK\x05\x06"
_END64 = b"PK\x06\x06"
_LOCATOR64 = b"PK\x06\x07"
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_DIRECTORY_BYTES = 16 * 1024 * 1024
_UTF8 = 0x800
_DESCRIPTOR = 0x8
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF


class ZipEntry(msgspec.Struct, frozen=True):
    """One entry as the central directory has it, its local header found to agree."""

    name: str
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    mode: int
    start: int

    @property
    def encrypted(self) -> bool:
        """Say whether its data need a password."""
        return bool(self.flags & _ENCRYPTED)


class _End(msgspec.Struct, frozen=True):
    entries: int
    size: int
    offset: int
    at: int


class _Central(msgspec.Struct, frozen=True):
    raw: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    mode: int
    offset: int
    extra: bytes


def entries(file: IO[bytes], limits: CopyLimits, remarks: Remarks, name: str) -> list[ZipEntry]:
    """Return what the archive holds; struct.error, ValueError and EOFError mean that it is damaged."""
    end = _find_end(file, remarks, name)
    if end.entries > limits.ignored_entries + limits.entries or end.size > _DIRECTORY_BYTES:
        remarks.refuse(
            "too-many-files",
            msg("There are more than %(limit)d files.", limit=limits.ignored_entries),
            name,
            msg("Hand in sources only: no installed packages, data or build output."),
        )
    if end.offset + end.size != end.at:
        remarks.ambiguous(name, msg("%(file)s has data before or within the archive.", file=name))
    found = []
    spans = []
    for central in _central(_exactly(file, end.offset, end.size), end.entries):
        start = _local(file, central, remarks, name)
        shown = zip_fields.name(central.raw, central.flags, central.extra)
        found.append(
            ZipEntry(
                shown, central.method, central.flags, central.crc, central.packed, central.size, central.mode, start
            )
        )
        stop = start + central.packed
        if central.flags & _DESCRIPTOR and stop < end.offset:
            stop += _descriptor(file, stop, central)
        spans.append((central.offset, stop))
    _no_gaps(spans, end.offset, remarks, name)
    return found


def _find_end(file: IO[bytes], remarks: Remarks, name: str) -> _End:
    length = file.seek(0, os.SEEK_END)
    tail_at = max(0, length - 22 - _MAX16)
    tail = _exactly(file, tail_at, length - tail_at)
    last = tail.rfind(_END)
    if last < 0:
        raise EOFError
    disk, first, here, count, size, offset, comment = struct.unpack_from("<4x4H2IH", tail, last)
    if last + 22 + comment > len(tail) or tail[last + 22 + comment :].strip(b"\0"):  # bsdtar fills up a block
        remarks.ambiguous(name, msg("%(file)s has something else after its end.", file=name))
    at = tail_at + last
    if at >= 20 and (locator := _exactly(file, at - 20, 20)).startswith(_LOCATOR64):
        return _find_end64(file, locator, at - 20, (count, size, offset))
    if disk or first or here != count:
        raise ValueError(disk)
    return _End(count, size, offset, at)


def _find_end64(file: IO[bytes], locator: bytes, locator_at: int, said: tuple[int, int, int]) -> _End:
    disk, at, disks = struct.unpack_from("<4xIQI", locator)
    record = _exactly(file, at, 56)
    length, here, count, size, offset = struct.unpack_from("<4xQ12xQQQQ", record)
    disk_here, disk_first = struct.unpack_from("<2I", record, 16)
    if not record.startswith(_END64) or disk or disks > 1 or disk_here or disk_first or here != count:
        raise ValueError(disk)
    if at + 12 + length != locator_at:
        raise ValueError(length)
    for old, new, unset in zip(said, (count, size, offset), (_MAX16, _MAX32, _MAX32), strict=True):
        if old not in {new, unset}:
            raise ValueError(old)
    return _End(count, size, offset, at)


def _central(data: bytes, count: int) -> list[_Central]:
    found = []
    at = 0
    for _ in range(count):
        (magic, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment, disk, _, mode, offset) = (
            _CENTRAL.unpack_from(data, at)
        )
        at += _CENTRAL.size
        raw, extra = data[at : at + n_name], data[at + n_name : at + n_name + n_extra]
        at += n_name + n_extra + n_comment
        if magic != b"PK\x01\x02" or at > len(data) or disk not in {0, _MAX16}:
            raise ValueError(at)
        size, packed, offset = zip_fields.wide(extra, size, packed, offset)
        found.append(_Central(raw, method, flags, crc, packed, size, mode >> 16, offset, extra))
    if at != len(data):
        raise ValueError(at)
    return found


def _local(file: IO[bytes], central: _Central, remarks: Remarks, name: str) -> int:
    """Compare the local header, which other programs go by, and return where the data start."""
    header = _exactly(file, central.offset, _LOCAL.size)
    magic, _, flags, method, _, _, crc, packed, size, n_name, n_extra = _LOCAL.unpack(header)
    rest = _exactly(file, central.offset + _LOCAL.size, n_name + n_extra)
    size, packed = zip_fields.wide(rest[n_name:], size, packed)
    same = (magic, rest[:n_name], method, flags & (_ENCRYPTED | _DESCRIPTOR | _UTF8)) == (
        b"PK\x03\x04", central.raw, central.method, central.flags & (_ENCRYPTED | _DESCRIPTOR | _UTF8),
    )  # fmt: skip
    unset = {0, _MAX32} if flags & _DESCRIPTOR else set()
    sizes = zip((crc, packed, size), (central.crc, central.packed, central.size), strict=True)
    same = same and all(here == there or here in unset for here, there in sizes)
    if not same or not zip_fields.one_name(central.raw, central.extra, rest[n_name:]):
        remarks.ambiguous(name, msg("%(file)s describes the same entry in two different ways.", file=name))
    return int(central.offset + _LOCAL.size + n_name + n_extra)


def _descriptor(file: IO[bytes], at: int, central: _Central) -> int:
    """Return the length of what repeats checksum and sizes after the data of an entry; 0 if nothing does."""
    file.seek(at)
    found = file.read(24)
    for form in ("<4s3I", "<4sI2Q", "<3I", "<I2Q"):
        said = (central.crc, central.packed, central.size)
        size = struct.calcsize(form)
        values = struct.unpack_from(form, found) if len(found) >= size else ()
        if values in {said, (b"PK\x07\x08", *said)}:
            return size
    return 0


def _no_gaps(spans: list[tuple[int, int]], end: int, remarks: Remarks, name: str) -> None:
    """Entries that share data are a bomb; data between entries are seen by programs that read forwards."""
    at = 0
    for start, stop in [*sorted(spans), (end, end)]:
        if start < at:
            remarks.refuse(
                "archive-overlap",
                msg("Entries of %(file)s share the same data.", file=name),
                name,
                msg("Make the archive anew with your system's own archive program."),
            )
        if start > at:
            remarks.ambiguous(name, msg("%(file)s has data before or within the archive.", file=name))
        at = stop


def _exactly(file: IO[bytes], at: int, size: int) -> bytes:
    try:
        file.seek(at)
    except OSError as error:  # a place that no file can have
        raise EOFError from error
    data = file.read(size)
    if len(data) != size:
        raise EOFError
    return data
