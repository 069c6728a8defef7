"""Damage: cut off or changed at any byte, an archive is refused or holds what other readers find in it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader.errors import SubmissionRefusedError
from grader.intake import take
from grader.zstd import zstd
from tests.unit.intake.archives import COMPOSE, contents, streamed, tarred, wide, zip_entry, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Files = dict[str, bytes]
ENTRIES = (("compose.yaml", COMPOSE), ("app/x", b"print(1)\n" * 9))
TAR = tarred(*ENTRIES, fmt=tarfile.USTAR_FORMAT)[:3072]  # with one block of end, so that all of it matters
KINDS: dict[str, tuple[str, bytes]] = {
    "zip": ("a.zip", zipped(*ENTRIES)),
    "zip, stored": ("a.zip", zipped(*ENTRIES, method=0)),
    "zip, bzip2": ("a.zip", zipped(*ENTRIES, method=12)),
    "zip, streamed": ("a.zip", streamed()),
    "zip64": ("a.zip", wide()),
    "zip, modes": ("a.zip", zipped((zip_entry("compose.yaml", stat.S_IFREG | 0o644), COMPOSE))),
    "tar": ("a.tar", TAR),
    "pax": ("a.tar", tarred(ENTRIES[0], ("ñ" * 60, b"x"))[:3584]),
    "gnu": ("a.tar", tarred(ENTRIES[0], ("n" * 120, b"x"), fmt=tarfile.GNU_FORMAT)[:3584]),
    "gzip": ("a.tar.gz", gzip.compress(TAR)),
    "bzip2": ("a.tar.bz2", bz2.compress(TAR)),
    "xz": ("a.tar.xz", lzma.compress(TAR)),
    "zstd": ("a.tar.zst", zstd.compress(TAR, options={zstd.CompressionParameter.checksum_flag: 1})),
    "zstd, no checksum": ("a.tar.zst", zstd.compress(TAR)),
}
TARS = {  # alone in the archive, so that there are fewer bytes to cut at
    "tar": ("a.tar", tarred(ENTRIES[0], fmt=tarfile.USTAR_FORMAT)[:1536]),
    "pax": ("a.tar", tarred(("ñ" * 60, b"x"))[:2560]),
    "gnu": ("a.tar", tarred(("n" * 120, b"x"), fmt=tarfile.GNU_FORMAT)[:2560]),
}


def taken(data: bytes, folder: Path, name: str) -> Files | None:
    """Return the files of the copy, a link's target as its content; None if the archive is refused."""
    source, into = folder / name, folder / "copy"
    source.write_bytes(data)
    shutil.rmtree(into, ignore_errors=True)
    try:
        take(source, into)
    except SubmissionRefusedError:
        assert list(folder.iterdir()) == [source]
        return None
    found = {n: what[1] for n, what in contents(into).items() if what[0] != "folder"}
    return {n: what if isinstance(what, bytes) else str(what).encode() for n, what in found.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_cut_off_at_any_byte_is_refused_or_still_whole(tmp_path: Path, kind: str) -> None:
    """Never a part that is taken for all."""
    name, data = (KINDS | TARS)[kind]
    whole = taken(data, tmp_path, name)
    assert whole
    accepted = []
    for length in range(len(data)):
        found = taken(data[:length], tmp_path, name)
        if found is not None:
            assert found == whole, length
            accepted.append(length)
    # Only a tar has something that may go: its end is one empty record, programs write more.
    assert not accepted if kind not in TARS else accepted == [] or data[min(accepted) :].strip(b"\0") == b""


def python_zip(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {i.filename.replace("\\", "/"): archive.read(i) for i in archive.infolist() if not i.is_dir()}


def python_tar(data: bytes) -> Files:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        found = {}
        for info in archive:
            name = "/".join(p for p in info.name.replace("\\", "/").split("/") if p not in {"", "."})
            if info.issym():
                found[name] = info.linkname.encode()
            elif not info.isdir():
                file = archive.extractfile(info)
                assert file
                found[name] = file.read()
        return found


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    "bz2": bz2.decompress,
    ".xz": lzma.decompress,
    "zst": zstd.decompress,
}


def python(name: str, data: bytes) -> Files | None:
    """Return what Python's own readers find, None if they cannot read it."""
    try:
        if name == "a.zip":
            return python_zip(data)
        return python_tar(UNPACK[name[-3:]](data) if name != "a.tar" else data)
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error, lzma.LZMAError,
            zipfile.BadZipFile, tarfile.TarError, zstd.ZstdError):  # fmt: skip
        return None


def mended(data: bytes, place: int) -> bytes:
    """Make the checksum right of the tar header that the place lies in."""
    block = bytearray(data)
    start = place // 512 * 512
    block[start + 148 : start + 156] = b" " * 8
    block[start + 148 : start + 156] = b"%06o\0 " % sum(block[start : start + 512])
    return bytes(block)


def changed(data: bytes, place: int, flip: int) -> bytes:
    patched = bytearray(data)
    patched[place % len(data)] ^= flip
    return bytes(patched)


byte = {"place": st.integers(0, 10_000), "flip": st.integers(1, 255)}
hundred = settings(
    max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_with_one_byte_changed_is_refused_or_read_as_others_read_it(tmp_path: Path, kind: str) -> None:
    """Two readers of one file must not see two submissions."""
    name, data = KINDS[kind]
    original = python(name, data)
    assert original

    @hundred
    @given(**byte)
    def holds(place: int, flip: int) -> None:
        made = changed(data, place, flip)
        found = taken(made, tmp_path, name)
        assert found is None or found == (python(name, made) or original)

    holds()


# Owner, group, time, device: Python stops at what is no number there, though it says nothing of the content. Where
# POSIX has the start of a name, GNU has times, which Python does not tell apart.
UNREAD = (*range(108, 124), *range(136, 148), *range(329, 345))


@pytest.mark.parametrize("kind", TARS)
def test_a_header_with_one_byte_changed_and_a_right_checksum_is_no_other_file(tmp_path: Path, kind: str) -> None:
    """Compared with what the standard library reads."""
    name, data = KINDS[kind]
    original = python(name, data)
    assert original
    headers = [at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar"]

    @hundred
    @given(header=st.sampled_from(headers), place=st.integers(0, 511), flip=st.integers(1, 255))
    @example(header=headers[0], place=156, flip=ord("0") ^ ord("7"))
    def holds(header: int, place: int, flip: int) -> None:
        made = mended(changed(data, header + place, flip), header)
        if made[header + 156] == ord("V"):  # a label, for Python a file
            return
        unread = place in UNREAD or (kind == "gnu" and place >= 345)
        found = taken(made, tmp_path, name)
        assert found is None or found == (original if unread else python(name, made) or original)

    holds()
