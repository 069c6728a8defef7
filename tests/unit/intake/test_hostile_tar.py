"""Tars that lie about themselves: each is refused for what it does, and nothing is left of it.

Where a header can lie, the same archive that tells the truth is taken, so that the lie is what is refused.
"""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.unit.intake.archives import (
    OK,
    attempt,
    tarred,
)

if TYPE_CHECKING:
    from pathlib import Path


def header(**fields: tuple[int, bytes]) -> bytes:
    """A tar whose second entry's header has these bytes at these places, its checksum right."""
    block = bytearray(tarred(("x", b"x"), fmt=tarfile.USTAR_FORMAT)[:1024])
    for place, value in fields.values():
        block[place : place + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return tarred(OK, fmt=tarfile.USTAR_FORMAT)[:1024] + bytes(block) + bytes(1024)


def size(value: bytes) -> bytes:
    return header(size=(124, value))


def smuggled() -> bytes:
    """A size that some programs read as 0: for them the data are a header, and what it describes a file."""
    inner = tarred(("y", b""), fmt=tarfile.USTAR_FORMAT)[:512]
    made = size(b"\0" + b"00000001000")
    return made[:1536] + inner + bytes(1024)


def kind(letter: bytes) -> bytes:
    made = header(type=(156, letter), size=(124, b"00000000000\0"))
    return made[:1536] + made[2048:]  # without the data


def extended(letter: bytes, body: bytes, *rest: bytes) -> bytes:
    """A tar with an extended header of this kind and body before its second entry."""
    length = b"%011o\0" % len(body)
    one = header(type=(156, letter), size=(124, length))[1024:1536] + body + bytes(-len(body) % 512)
    entries = header()
    return entries[:1024] + one + b"".join(rest) + entries[1024:]


def pax(**said: str) -> bytes:
    """Records of a length, a key and a value."""
    return b"".join(record(f" {key.replace('_', '.')}={value}\n".encode()) for key, value in said.items())


def record(rest: bytes) -> bytes:
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def block_of(letter: bytes, body: bytes) -> bytes:
    return extended(letter, body)[1024:2048]


HONEST_TAR: dict[str, bytes] = {
    "plain": header(),
    "a size in binary": size(b"\x80" + bytes(10) + b"\1"),
    "a size with spaces": size(b"         1 \0"),
    "pax repeats the size": extended(b"x", pax(size="1")),
    "both long names agree": extended(b"L", b"x\0", block_of(b"x", pax(path="x"))),
    "a global comment": extended(b"g", pax(comment="a" * 40)),
    "contiguous": header(type=(156, b"7")),
    "a label": kind(b"V"),
}


@pytest.mark.parametrize("case", HONEST_TAR)
def test_a_tar_that_tells_the_truth_is_believed(tmp_path: Path, case: str) -> None:
    """Unusual headers that are right all the same."""
    found, root = attempt(HONEST_TAR[case], tmp_path, "a.tar")
    assert found == set()
    assert (root / "x").exists() == (case != "a label")


LYING_TAR: dict[str, tuple[bytes, str]] = {
    "size: negative in binary": (size(b"\xff" * 12), "archive-damaged"),
    "size: huge in binary": (size(b"\x80" + b"\xff" * 11), "archive-damaged"),
    "size: negative in digits": (size(b"-0000000001\0"), "archive-damaged"),
    "size: not octal": (size(b"00000000008\0"), "archive-damaged"),
    "size: underscore": (size(b"000000000_1\0"), "archive-damaged"),
    "size: NUL in front": (smuggled(), "archive-damaged"),
    "size: beyond the end": (size(b"00000010000\0"), "archive-damaged"),
    "size: swallows the end": (size(b"00000003000\0"), "archive-damaged"),
    "checksum": (header()[:1024] + b"X" + header()[1025:], "archive-damaged"),
    "link with data": (header(type=(156, b"2"), to=(157, b"compose.yaml")), "archive-damaged"),
    "hard link with data": (header(type=(156, b"1"), to=(157, b"compose.yaml")), "archive-damaged"),
    "folder with data": (header(type=(156, b"5")), "archive-damaged"),
    "fifo with data": (header(type=(156, b"6")), "archive-damaged"),
    "a file named as a folder": (header(name=(0, b"x/")), "archive-damaged"),
    "unknown kind": (kind(b"A"), "special-file"),
    "sparse": (kind(b"S"), "archive-entry-unsupported"),
    "in parts": (kind(b"M"), "archive-entry-unsupported"),
    "incremental": (kind(b"D"), "archive-entry-unsupported"),
    "pax sparse 0.0": (extended(b"x", pax(GNU_sparse_size="9", GNU_sparse_numblocks="0")), "archive-entry-unsupported"),
    "pax sparse 1.0": (extended(b"x", pax(GNU_sparse_major="1", GNU_sparse_name="y")), "archive-entry-unsupported"),
    "star's sparse": (extended(b"x", pax(SCHILY_realsize="9")), "archive-entry-unsupported"),
    "pax size: smaller": (extended(b"x", pax(size="0")), "archive-damaged"),
    "pax size: larger": (extended(b"x", pax(size="1024")), "archive-damaged"),
    "pax size: negative": (extended(b"x", pax(size="-1")), "archive-damaged"),
    "pax size: signed": (extended(b"x", pax(size="+1")), "archive-damaged"),
    "pax size: spaced": (extended(b"x", pax(size=" 1")), "archive-damaged"),
    "pax size: other digits": (extended(b"x", pax(size="\u0661")), "archive-damaged"),
    "pax size: fraction": (extended(b"x", pax(size="1.0")), "archive-damaged"),
    "pax size: huge": (extended(b"x", pax(size="9" * 400)), "archive-damaged"),
    "pax: length 0": (extended(b"x", b"0 path=y\n"), "archive-damaged"),
    "pax: length too short": (extended(b"x", b"5 path=y\n"), "archive-damaged"),
    "pax: length too long": (extended(b"x", b"99 path=y\n"), "archive-damaged"),
    "pax: length with a zero": (extended(b"x", b"010 path=y\n"), "archive-damaged"),
    "pax: no newline": (extended(b"x", b"9 path=yz"), "archive-damaged"),
    "pax: no equals sign": (extended(b"x", b"9 path y\n"), "archive-damaged"),
    "pax: path twice": (extended(b"x", pax(path="y") + pax(path="z")), "archive-damaged"),
    "pax: NUL in the path": (extended(b"x", pax(path="y\0z")), "odd-name"),
    "pax: outside": (extended(b"x", pax(path="../y")), "path-outside"),
    "pax: Solaris, outside": (extended(b"X", pax(path="../y")), "path-outside"),
    "pax: twice": (extended(b"x", pax(path="y"), block_of(b"x", pax(path="y"))), "archive-ambiguous"),
    "pax against GNU": (extended(b"L", b"y\0", block_of(b"x", pax(path="z"))), "archive-ambiguous"),
    "GNU against pax": (extended(b"x", pax(path="z"), block_of(b"L", b"y\0")), "archive-ambiguous"),
    "GNU: twice": (extended(b"L", b"y\0", block_of(b"L", b"y\0")), "archive-ambiguous"),
    "GNU: NUL within": (extended(b"L", b"y\0z\0"), "odd-name"),
    "GNU: too large": (extended(b"L", b"y" * 70_000), "archive-header-too-large"),
    "a name for all": (extended(b"g", pax(path="y")), "archive-damaged"),
    "a size for all": (extended(b"g", pax(size="1")), "archive-damaged"),
    "a header without an entry": (
        header()[:2048] + block_of(b"x", pax(path="y")) + bytes(1024),
        "archive-damaged",
    ),
    "no end": (header()[:2048], "archive-damaged"),
    "an entry after the end": (header() + header(), "archive-ambiguous"),
    "a byte after the end": (header() + bytes(3000) + b"x", "archive-ambiguous"),
}  # fmt: skip


@pytest.mark.parametrize("case", LYING_TAR)
def test_a_tar_that_lies_is_refused(tmp_path: Path, case: str) -> None:
    """Sizes, checksums and kinds that do not add up."""
    data, code = LYING_TAR[case]
    assert attempt(data, tmp_path, "a.tar")[0] == {code}


def test_a_tar_whose_first_header_lies_is_none(tmp_path: Path) -> None:
    """Nothing tells it from any other file."""
    assert attempt(size(b"\xff" * 12)[1024:], tmp_path, "a.tar")[0] == {"archive-not-supported"}
