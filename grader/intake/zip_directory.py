"""The directory of a zip archive, read by ourselves: bounded, and refused where two programs would see two archives."""

from __future__ import annotations

import os
import struct
import zlib
from typing import IO, TYPE_CHECKING

import msgspec

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
        found.append(
            ZipEntry(
                _name(central), central.method, central.flags, central.crc, central.packed, central.size,
                central.mode, start,
            )
        )  # fmt: skip
        spans.append((central.offset, start + central.packed, bool(central.flags & _DESCRIPTOR)))
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
    if last + 22 + comment != len(tail):
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
        size, packed, offset = _wide(extra, size, packed, offset)
        found.append(_Central(raw, method, flags, crc, packed, size, mode >> 16, offset, extra))
    if at != len(data):
        raise ValueError(at)
    return found


def _wide(extra: bytes, *values: int) -> list[int]:
    """Replace values of 0xFFFFFFFF by those of the zip64 field, where there is one."""
    if _MAX32 not in values:
        return list(values)
    field = _field(extra, 0x0001)
    at = 0
    wide = []
    for value in values:
        if value == _MAX32 and field is not None:
            wide.append(struct.unpack_from("<Q", field, at)[0])
            at += 8
        else:
            wide.append(value)
    return wide


def _field(extra: bytes, wanted: int) -> bytes | None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return None


def _local(file: IO[bytes], central: _Central, remarks: Remarks, name: str) -> int:
    """Compare the local header, which other programs go by, and return where the data start."""
    header = _exactly(file, central.offset, _LOCAL.size)
    magic, _, flags, method, _, _, crc, packed, size, n_name, n_extra = _LOCAL.unpack(header)
    rest = _exactly(file, central.offset + _LOCAL.size, n_name + n_extra)
    size, packed = _wide(rest[n_name:], size, packed)
    same = (magic, rest[:n_name], method, flags & (_ENCRYPTED | _DESCRIPTOR | _UTF8)) == (
        b"PK\x03\x04", central.raw, central.method, central.flags & (_ENCRYPTED | _DESCRIPTOR | _UTF8),
    )  # fmt: skip
    sizes = (crc, packed, size) == (central.crc, central.packed, central.size)
    if not same or not (sizes or flags & _DESCRIPTOR):
        remarks.ambiguous(name, msg("%(file)s describes the same entry in two different ways.", file=name))
    return int(central.offset + _LOCAL.size + n_name + n_extra)


def _no_gaps(spans: list[tuple[int, int, bool]], end: int, remarks: Remarks, name: str) -> None:
    """Entries that share data are a bomb; data between entries are seen by programs that read forwards."""
    at = 0
    slack = 0
    for start, stop, described in [*sorted(spans), (end, end, False)]:
        if start < at:
            remarks.refuse(
                "archive-overlap",
                msg("Entries of %(file)s share the same data.", file=name),
                name,
                msg("Make the archive anew with your system's own archive program."),
            )
        if start - at > slack:
            remarks.ambiguous(name, msg("%(file)s has data before or within the archive.", file=name))
        at = stop
        slack = 24 if described else 0


def _name(central: _Central) -> str:
    """Return the name: UTF-8 where it says so or is so (macOS does not say), else of a Windows code page."""
    field = _field(central.extra, 0x7075)
    if field and len(field) > 5 and field[0] == 1 and struct.unpack_from("<I", field, 1)[0] == zlib.crc32(central.raw):
        return field[5:].decode("utf-8", "surrogateescape")
    if central.flags & _UTF8:
        return central.raw.decode("utf-8", "surrogateescape")
    try:
        return central.raw.decode("utf-8")
    except UnicodeDecodeError:
        return central.raw.decode("cp850")


def _exactly(file: IO[bytes], at: int, size: int) -> bytes:
    file.seek(at)
    data = file.read(size)
    if len(data) != size:
        raise EOFError
    return data
