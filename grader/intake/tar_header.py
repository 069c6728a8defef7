"""One header of a tar archive, read by ourselves: each dialect's fields where that dialect has them.

GNU's and star's headers keep times where POSIX has the start of a name; a reader that does not tell them apart finds
other names than the program that wrote them.
"""

from __future__ import annotations

import re

import msgspec

RECORD = 512
_POSIX = b"ustar\0"
_STAR = b"tar\0"
_OCTAL = re.compile(rb" *([0-7]*)([ \0].*)?", re.DOTALL)


class Header(msgspec.Struct, frozen=True):
    """What one block says; a name or target that is longer stands in an extended header."""

    name: str
    mode: int
    size: int
    type: bytes
    target: str


def parse(block: bytes) -> Header:
    """Return what the block says; ValueError if it is no header, or its checksum is wrong."""
    if len(block) != RECORD:
        raise ValueError(len(block))
    blank = block[:148] + b" " * 8 + block[156:]
    said = _number(block[148:156])
    if said != sum(blank) and said != sum(memoryview(blank).cast("b")):  # signed, as some old programs count
        raise ValueError("checksum")
    name = _text(block[:100])
    if block[257:263] == _POSIX:
        prefix = _text(block[345:476] if block[508:] == _STAR else block[345:500])
        name = f"{prefix}/{name}" if prefix else name
    return Header(name, _number(block[100:108]), _number(block[124:136]), block[156:157], _text(block[157:257]))


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """Read octal digits, or GNU's binary form for what they cannot hold."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    if field[0] & 0x80:
        raise ValueError("negative")
    found = _OCTAL.fullmatch(field)
    if found is None or (not field[0] and any(field)):  # some programs step over a NUL in front, some stop there
        raise ValueError("number")
    return int(found[1] or b"0", 8)
