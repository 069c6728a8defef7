"""Zips that lie about themselves: each is refused for what it does, and nothing is left of it.

Where a header can lie, the same archive that tells the truth is taken, so that the lie is what is refused.
"""

from __future__ import annotations

import bz2
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.unit.intake.archives import (
    COMPOSE,
    OK,
    PLAIN,
    attempt,
    raw_named,
    streamed,
    wide,
    zip_entry,
    zipped,
)

if TYPE_CHECKING:
    from pathlib import Path

STORED = zipped(OK, ("a.txt", b"hello"), method=0)
HELLO = struct.pack("<I", zlib.crc32(b"hello"))


def at(data: bytes, signature: bytes, offset: int, value: bytes, *, which: int = -1) -> bytes:
    """Overwrite bytes at an offset from a record of a zip: of the last entry, or of the first with which=0."""
    start = data.rindex(signature) if which else data.index(signature)
    patched = bytearray(data)
    patched[start + offset : start + offset + len(value)] = value
    return bytes(patched)


def local(data: bytes, offset: int, value: bytes) -> bytes:
    return at(data, b"PK\x03\x04", offset, value)


def central(data: bytes, offset: int, value: bytes) -> bytes:
    return at(data, b"PK\x01\x02", offset, value)


def both(data: bytes, offset: int, value: bytes) -> bytes:
    """The central header has one more field, of two bytes, in front of those that both have."""
    return central(local(data, offset, value), offset + 2, value)


def method(number: int, flags: int = 0) -> bytes:
    return both(PLAIN, 6, struct.pack("<2H", flags, number))


def zip64(data: bytes = PLAIN, *, gap: bytes = b"", said: int = 0xFFFF, **lies: int) -> bytes:
    """The archive with the end records that a large one has, as Windows Explorer writes them for a small one too."""
    at_end = data.rindex(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<H2I", data, at_end + 10)
    true = {"length": 44, "disk": 0, "first": 0, "here": count, "count": count, "size": size, "offset": offset}
    true |= {"at": at_end, "disks": 1} | lies
    record = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", true["length"], 45, 45, true["disk"], true["first"], true["here"], true["count"],
        true["size"], true["offset"],
    )  # fmt: skip
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, true["at"], true["disks"])
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, said, said, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:at_end] + record + gap + locator + end


def extra(field: bytes, local_field: bytes | None = None, name: str = "a.txt") -> bytes:
    """A zip whose second entry has these extra fields, the local header others of the same length."""
    info = zipfile.ZipInfo(name)
    info.extra = field
    data = zipped(OK, (info, b"hello"), method=0)
    return data if local_field is None else data.replace(field, local_field, 1)


def unicode_path(name: str, plain: str = "a.txt") -> bytes:
    said = name.encode()
    return b"up" + struct.pack("<HBI", 5 + len(said), 1, zlib.crc32(plain.encode())) + said


def lied64(*sizes: int, field: bytes | None = None) -> bytes:
    """A zip64 entry whose local header says these sizes in the field for it."""
    data = wide()
    start = data.index(b"\x01\x00\x10\x00")
    return data[:start] + (field or b"\x01\x00\x10\x00" + struct.pack("<2Q", *sizes)) + data[start + 20 :]


def unset_sizes(*, twice: bool = False, width: int = 16) -> bytes:
    """Sizes that the central directory moves into its zip64 field, which may be there twice or be too short."""
    size = len(COMPOSE)
    field = (struct.pack("<2H", 1, width) + struct.pack("<2Q", size, size)[:width]) * (2 if twice else 1)
    info = zipfile.ZipInfo(OK[0])
    info.extra = b"\xfe\xca" + struct.pack("<H", len(field) - 4) + bytes(len(field) - 4)
    data = zipped((info, COMPOSE), method=0)
    head, tail = data[: data.rindex(b"PK\x01\x02")], data[data.rindex(b"PK\x01\x02") :]
    return central(head + tail.replace(info.extra, field), 20, b"\xff" * 8)


HONEST_ZIP: dict[str, bytes] = {
    "zip64 end": zip64(),
    "zip64 end beside plain counts": zip64(said=2),
    "zip64 entry": lied64(len(COMPOSE), len(COMPOSE)),
    "zip64 sizes": unset_sizes(),
    "Unicode field": extra(unicode_path("a.txt")),
    "Unicode field of another name": extra(unicode_path("b.txt", plain="former.txt")),
    "stored": STORED,
}


@pytest.mark.parametrize("case", HONEST_ZIP)
def test_a_header_that_tells_the_truth_is_believed(tmp_path: Path, case: str) -> None:
    """Unusual zips that are right all the same."""
    found, root = attempt(HONEST_ZIP[case], tmp_path)
    assert found == set()
    assert (root / "compose.yaml").read_bytes() == COMPOSE


def joined(first: bytes, between: bytes) -> bytes:
    """Bytes between the last entry and the directory, whose place is told right."""
    start = first.rindex(b"PK\x05\x06")
    offset = struct.unpack_from("<I", first, start + 16)[0]
    moved = at(first, b"PK\x05\x06", 16, struct.pack("<I", offset + len(between)))
    return moved[:offset] + between + moved[offset:]


def shifted() -> bytes:
    """Another archive in front, every offset corrected: a reader from the front finds that, one from the end this."""
    front = zipped(("compose.yaml", b"services: []\n"), method=0)
    front = front[: front.index(b"PK\x01\x02")]
    data = bytearray(STORED)
    place = -1
    while (place := data.find(b"PK\x01\x02", place + 1)) >= 0:
        struct.pack_into("<I", data, place + 42, struct.unpack_from("<I", data, place + 42)[0] + len(front))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 16, struct.unpack_from("<I", data, end + 16)[0] + len(front))
    return front + bytes(data)


def packed(data: bytes, size: int, *, number: int = 8, crc: bytes = HELLO) -> bytes:
    """An entry of five bytes whose packed form is this, and says so."""
    made = zipped(OK, ("a.txt", data), method=0)
    header = crc + struct.pack("<2I", len(data), size)
    return both(both(made, 8, struct.pack("<H", number)), 14, header)


def deflated(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


FOLDER = zip_entry("d/", stat.S_IFDIR | 0o755)
LINK = stat.S_IFLNK | 0o777
LYING_ZIP: dict[str, tuple[bytes, str]] = {
    "zip64: count": (zip64(count=1), "archive-damaged"),
    "zip64: count on this disk": (zip64(here=1), "archive-damaged"),
    "zip64: both counts too low": (zip64(here=1, count=1), "archive-damaged"),
    "zip64: both counts too high": (zip64(here=3, count=3), "archive-damaged"),
    "zip64: count beyond all": (zip64(here=2**62, count=2**62), "too-many-files"),
    "zip64: the plain end says another count": (zip64(said=1), "archive-damaged"),
    "zip64: size": (zip64(size=1), "archive-ambiguous"),
    "zip64: size beyond all": (zip64(size=2**63), "too-many-files"),
    "zip64: offset": (zip64(offset=1), "archive-ambiguous"),
    "zip64: disk": (zip64(disk=1), "archive-damaged"),
    "zip64: disks": (zip64(disks=2), "archive-damaged"),
    "zip64: record elsewhere": (zip64(at=0), "archive-damaged"),
    "zip64: record beyond the end": (zip64(at=2**62), "archive-damaged"),
    "zip64: gap before the locator": (zip64(gap=b"x" * 30), "archive-damaged"),
    "zip64: gap that the record covers": (zip64(length=45), "archive-damaged"),
    "zip64: other local size": (lied64(5, len(COMPOSE)), "archive-ambiguous"),
    "zip64: other packed size": (lied64(len(COMPOSE), 5), "archive-ambiguous"),
    "zip64: local field of another kind": (lied64(field=b"\xfe\xca\x10\x00" + bytes(16)), "archive-ambiguous"),
    "zip64: field twice": (unset_sizes(twice=True), "archive-damaged"),
    "zip64: field too short": (unset_sizes(width=8), "archive-damaged"),
    "end in the comment, whole archive": (zipped(OK, comment=zipped(("x", b""))), "archive-ambiguous"),
    "end in the comment, cut off": (zipped(OK, comment=b"x" * 30 + b"PK\x05\x06"), "archive-damaged"),
    "comment longer than the file": (at(PLAIN, b"PK\x05\x06", 20, b"\1"), "archive-ambiguous"),
    "comment shorter than the file": (at(zipped(OK, comment=b"ab"), b"PK\x05\x06", 20, b"\1"), "archive-ambiguous"),
    "on several disks": (at(PLAIN, b"PK\x05\x06", 4, b"\1"), "archive-damaged"),
    "entry on another disk": (central(PLAIN, 34, b"\1"), "archive-damaged"),
    "local: name": (local(STORED, 30, b"b"), "archive-ambiguous"),
    "local: length of the name": (local(STORED, 26, b"\4"), "archive-ambiguous"),
    "local: size": (local(STORED, 22, b"\1"), "archive-ambiguous"),
    "local: packed size": (local(STORED, 18, b"\1"), "archive-ambiguous"),
    "local: no size, nothing behind": (local(STORED, 22, b"\0"), "archive-ambiguous"),
    "local: checksum": (local(STORED, 14, b"\0\0\0\0"), "archive-ambiguous"),
    "local: method": (local(STORED, 8, b"\x08"), "archive-ambiguous"),
    "local: encrypted": (local(STORED, 6, b"\1"), "archive-ambiguous"),
    "local: UTF-8": (local(STORED, 7, b"\x08"), "archive-ambiguous"),
    "local: descriptor": (local(STORED, 6, b"\x08"), "archive-ambiguous"),
    "local: none at the offset": (central(STORED, 42, b"\1"), "archive-damaged"),
    "local: beyond the end": (central(STORED, 42, b"\xff\xff\xff\x7f"), "archive-damaged"),
    "descriptor that says otherwise": (at(streamed(), b"PK\x07\x08", 8, b"\1"), "archive-ambiguous"),
    "Unicode field: another file": (extra(unicode_path("b.txt")), "archive-ambiguous"),
    "Unicode field: the compose file": (extra(unicode_path("compose.yml")), "archive-ambiguous"),
    "Unicode field: outside": (extra(unicode_path("../é.txt", "a.txt")), "archive-ambiguous"),
    "Unicode field: folder": (extra(unicode_path("é/a.txt")), "archive-ambiguous"),
    "Unicode field: NUL": (extra(unicode_path("a\0.txt")), "archive-ambiguous"),
    "Unicode field: twice": (extra(unicode_path("a.txt") * 2), "archive-damaged"),
    "Unicode field: local one only": (
        extra(b"\xfe\xca" + unicode_path("b.txt")[2:], unicode_path("b.txt")),
        "archive-ambiguous",
    ),
    "Unicode field: local one differs": (
        extra(unicode_path("é.txt", "#.txt"), unicode_path("á.txt", "#.txt"), "#.txt"),
        "archive-ambiguous",
    ),
    "NUL in a name": (raw_named(b"a\0.txt"), "odd-name"),
    "NUL in a name of UTF-8": (raw_named(b"a\0.txt", 0x800), "odd-name"),
    "implode": (method(6), "archive-method"),
    "deflate64": (method(9), "archive-method"),
    "zstd": (method(93), "archive-method"),
    "xz": (method(95), "archive-method"),
    "AES": (method(99, 1), "archive-encrypted"),
    "strong encryption": (method(8, 0x41), "archive-encrypted"),
    "masked headers": (method(8, 0x2000), "archive-encrypted"),
    "data before the first": (b"PK\x03\x04" + bytes(26) + STORED, "archive-ambiguous"),
    "an archive before the first": (shifted(), "archive-ambiguous"),
    "data between entries and directory": (joined(STORED, b"x"), "archive-ambiguous"),
    "an entry that the directory lacks": (
        joined(STORED, zipped(("b", b"1"), method=0)[:32]),
        "archive-ambiguous",
    ),
    "deflate: garbage behind": (packed(deflated(b"hello") + b"x", 5), "archive-damaged"),
    "deflate: cut off": (packed(deflated(b"hello")[:-2], 5), "archive-damaged"),
    "deflate: longer": (packed(deflated(b"hello, you"), 5), "archive-damaged"),
    "deflate: shorter": (packed(deflated(b"hell"), 5), "archive-damaged"),
    "deflate: other bytes": (packed(deflated(b"hallo"), 5), "archive-damaged"),
    "deflate: garbage": (packed(b"\xff" * 20, 5), "archive-damaged"),
    "bzip2: garbage behind": (packed(bz2.compress(b"hello") + b"x", 5, number=12), "archive-damaged"),
    "bzip2: garbage": (packed(b"BZh9" + b"\xff" * 20, 5, number=12), "archive-damaged"),
    "stored: longer": (packed(b"hello, you", 5, number=0), "archive-damaged"),
    "stored: shorter": (packed(b"hell", 5, number=0), "archive-damaged"),
    "a folder with data": (zipped(OK, (FOLDER, b"x")), "archive-damaged"),
    "a link too long": (zipped(OK, (zip_entry("l", LINK), b"a/" * 501)), "archive-damaged"),
    "a link to nothing": (zipped(OK, (zip_entry("l", LINK), b"")), "link-outside"),
    "a link with a NUL": (zipped(OK, (zip_entry("l", LINK), b"compose.yaml\0x")), "link-outside"),
}  # fmt: skip


@pytest.mark.parametrize("case", LYING_ZIP)
def test_a_zip_that_lies_is_refused(tmp_path: Path, case: str) -> None:
    """Directory, headers and data have to agree."""
    data, code = LYING_ZIP[case]
    assert attempt(data, tmp_path)[0] == {code}
