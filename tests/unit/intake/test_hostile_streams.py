"""Compressed files that lie about themselves: each is refused for what it does, and nothing is left of it.

Where a header can lie, the same archive that tells the truth is taken, so that the lie is what is refused.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

import pytest

from grader.zstd import zstd
from tests.unit.intake.archives import (
    TAR,
    attempt,
)

if TYPE_CHECKING:
    from pathlib import Path

GZ, BZ2, XZ, ZST = gzip.compress(TAR), bz2.compress(TAR), lzma.compress(TAR), zstd.compress(TAR)
SUMMED = zstd.compress(TAR, options={zstd.CompressionParameter.checksum_flag: 1})
MAGIC = b"\x28\xb5\x2f\xfd"


def ranged(window_log: int) -> bytes:
    """A zstd file that says how far back it refers and not how much it holds, as `zstd --long` writes a stream."""
    option = zstd.CompressionParameter
    made = zstd.ZstdCompressor(options={option.window_log: window_log, option.content_size_flag: 0})
    return made.compress(TAR) + made.flush()


LYING_STREAM: dict[str, tuple[bytes, str]] = {
    "gzip: checksum": (GZ[:-8] + b"\0\0\0\0" + GZ[-4:], "archive-damaged"),
    "gzip: length": (GZ[:-4] + b"\1\0\0\0", "archive-damaged"),
    "gzip: garbage": (GZ + b"garbage", "archive-ambiguous"),
    "gzip: garbage after padding": (GZ + bytes(100_000) + b"x", "archive-ambiguous"),
    "gzip: garbage like a member": (GZ + b"\x1f\x8bx", "archive-damaged"),
    "gzip: second member cut off": (gzip.compress(TAR[:999]) + gzip.compress(TAR[999:])[:-9], "archive-damaged"),
    "gzip: second archive": (GZ + GZ, "archive-ambiguous"),
    "bzip2: checksum": (BZ2[:-5] + bytes([BZ2[-5] ^ 8]) + BZ2[-4:], "archive-damaged"),
    "bzip2: garbage": (BZ2 + b"garbage", "archive-ambiguous"),
    "bzip2: garbage like a stream": (BZ2 + b"BZh9garbage", "archive-damaged"),
    "xz: checksum": (XZ[:-40] + bytes([XZ[-40] ^ 1]) + XZ[-39:], "archive-damaged"),
    "xz: garbage": (XZ + b"garbage", "archive-ambiguous"),
    "xz: second stream wants memory": (
        lzma.compress(TAR[:999])
        + lzma.compress(TAR[999:], filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]),
        "archive-memory",
    ),
    "zstd: window of 64 MiB": (ranged(26), "archive-memory"),
    "zstd: window of 128 MiB": (ranged(27), "archive-memory"),
    "zstd: the widest window": (MAGIC + b"\0\xff" + ZST[4:], "archive-memory"),
    "zstd: one segment of a terabyte": (MAGIC + b"\xe0" + (1 << 40).to_bytes(8, "little") + ZST[9:], "archive-memory"),
    "zstd: second frame's window": (zstd.compress(TAR[:999]) + ranged(27), "archive-memory"),
    "zstd: checksum": (SUMMED[:-1] + bytes([SUMMED[-1] ^ 1]), "archive-damaged"),
    "zstd: checksum cut off": (SUMMED[:-1], "archive-damaged"),
    "zstd: second frame cut off": (
        zstd.compress(TAR[:999]) + zstd.compress(TAR[999:])[:-3],
        "archive-damaged",
    ),
    "zstd: frame to skip cut off": (ZST + b"\x50\x2a\x4d\x18\x09\0\0\0hello", "archive-damaged"),
    "zstd: length of one to skip cut off": (ZST + b"\x50\x2a\x4d\x18\x09", "archive-damaged"),
    "zstd: garbage": (ZST + b"garbage", "archive-damaged"),
    "zstd: dictionary": (MAGIC + bytes([ZST[4] | 1]) + ZST[5:-9] + b"\x07" + ZST[-9:], "archive-damaged"),
    "zstd: nothing but a frame to skip": (b"\x50\x2a\x4d\x18\0\0\0\0", "archive-not-supported"),
}  # fmt: skip
ENDS = {"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst"}


@pytest.mark.parametrize("case", LYING_STREAM)
def test_a_stream_that_lies_is_refused(tmp_path: Path, case: str) -> None:
    """Checksums, lengths, windows and ends."""
    data, code = LYING_STREAM[case]
    assert attempt(data, tmp_path, "a.tar" + ENDS[case.partition(":")[0]])[0] - {"archive-misnamed"} == {code}


def test_a_window_that_can_be_afforded_is(tmp_path: Path) -> None:
    """Thirty-two MiB are what a program of zstd takes without being asked."""
    assert attempt(ranged(25), tmp_path, "a.tar.zst")[0] == set()


@pytest.mark.parametrize("level", [0, 9, 9 | lzma.PRESET_EXTREME])
def test_every_level_of_xz_can_be_afforded(tmp_path: Path, level: int) -> None:
    """The highest needs the most memory."""
    assert attempt(lzma.compress(TAR, preset=level), tmp_path, "a.tar.xz")[0] == set()
