"""Intake of archives: what a real program writes is taken, every trick is refused and leaves nothing behind."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import tracemalloc
import unicodedata
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.errors import GraderError
from grader.zstd import zstd
from tests.unit.intake.archives import (
    COMPOSE,
    OK,
    PLAIN,
    TAR,
    attempt,
    raw_named,
    streamed,
    tar_entry,
    tarred,
    wide,
    zip_entry,
    zipped,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def lied_size() -> bytes:
    return PLAIN.replace((450).to_bytes(4, "little"), (5).to_bytes(4, "little"))


def overlapping() -> bytes:
    data = bytearray(zipped(OK, OK))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = (0).to_bytes(4, "little")
    return bytes(data)


def many_declared() -> bytes:
    data = bytearray(PLAIN)
    data[-14:-10] = (60000).to_bytes(2, "little") * 2
    return bytes(data)


def huge_pax() -> bytes:
    return tarred(OK, tar_entry("x", tarfile.REGTYPE, comment="y" * 100_000))


HOSTILE_ZIP: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent": (lambda: zipped(OK, ("../x", b"x")), "path-outside"),
    "inner parent": (lambda: zipped(OK, ("a/../../x", b"x")), "path-outside"),
    "absolute": (lambda: zipped(OK, ("/etc/x", b"x")), "path-outside"),
    "drive": (lambda: zipped(OK, ("C:/x", b"x")), "path-outside"),
    "drive relative": (lambda: zipped(OK, ("C:x", b"x")), "path-outside"),
    "backslashes": (lambda: zipped(OK, ("..\\..\\x", b"x")), "path-outside"),
    "UNC": (lambda: zipped(OK, ("\\\\server\\share\\x", b"x")), "path-outside"),
    "link out": (lambda: zipped(OK, (zip_entry("l", stat.S_IFLNK | 0o777), b"../x")), "link-outside"),
    "link absolute": (lambda: zipped(OK, (zip_entry("l", stat.S_IFLNK | 0o777), b"/etc/passwd")), "link-outside"),
    "link then below": (
        lambda: zipped(OK, (zip_entry("l", stat.S_IFLNK | 0o777), b"app"), ("l/x", b"x")),
        "entry-below-link",
    ),
    "fifo": (lambda: zipped(OK, (zip_entry("p", stat.S_IFIFO | 0o644), b"")), "special-file"),
    "device": (lambda: zipped(OK, (zip_entry("p", stat.S_IFBLK | 0o644), b"")), "special-file"),
    "twice": (lambda: zipped(OK, OK), "name-collision"),
    "case": (lambda: zipped(OK, ("Dockerfile", b""), ("dockerfile", b"")), "name-collision"),
    "file and folder": (lambda: zipped(OK, ("a", b""), ("a/b", b"")), "name-collision"),
    "composition": (lambda: zipped(OK, ("a\u0301", b""), ("\u00e1", b"")), "name-collision"),
    "newline": (lambda: zipped(OK, ("a\nb", b"")), "odd-name"),
    "escape": (lambda: zipped(OK, ("a\x1b[31m", b"")), "odd-name"),
    "right to left": (lambda: zipped(OK, ("a\u202efdp.exe", b"")), "odd-name"),
    "NUL": (lambda: raw_named(b"a\x00b"), "odd-name"),
    "wrong UTF-8": (lambda: raw_named(b"a\xff\xfe", 0x800), "odd-name"),
    "long": (lambda: zipped(OK, ("a" * 201, b"")), "odd-name"),
    "long path": (lambda: zipped(OK, ("/".join(["a" * 190] * 8), b"")), "name-too-long"),
    "deep": (lambda: zipped(OK, ("a/" * 30 + "x", b"")), "too-deep"),
    "encrypted": (lambda: raw_named(b"secret", 1), "archive-encrypted"),
    "lzma": (lambda: zipped(OK, method=zipfile.ZIP_LZMA), "archive-method"),
    "wrong CRC": (lambda: zipped(OK, method=0).replace(COMPOSE, b"services: []\n"), "archive-damaged"),
    "cut off": (lambda: PLAIN[:-30], "archive-damaged"),
    "lying size": (lied_size, "archive-damaged"),
    "overlap": (overlapping, "archive-overlap"),
    "declared count": (many_declared, "archive-damaged"),
    "data after": (lambda: PLAIN + b"x", "archive-ambiguous"),
    "two in one": (lambda: PLAIN + zipped(OK), "archive-ambiguous"),
    "end in comment": (lambda: zipped(OK, comment=b"PK\x05\x06" + b"\0" * 18), "archive-ambiguous"),
    "other local name": (lambda: PLAIN.replace(b"compose.yaml", b"compose.yamL", 1), "archive-ambiguous"),
    "bomb": (lambda: zipped(OK, ("x", b"\0" * (51 << 20))), "file-too-large"),
    "rar": (lambda: b"Rar!\x1a\x07\x01\x00", "archive-not-supported"),
    "self-extracting": (lambda: b"MZ" + PLAIN, "archive-not-supported"),
}

HOSTILE_TAR: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent": (lambda: tarred(OK, ("../x", b"x")), "path-outside"),
    "absolute": (lambda: tarred(OK, ("/x", b"x")), "path-outside"),
    "pax path": (lambda: tarred(OK, tar_entry("x", tarfile.REGTYPE, path="../../x")), "path-outside"),
    "GNU long": (lambda: tarred(OK, ("../" * 60 + "x", b"x"), fmt=tarfile.GNU_FORMAT), "path-outside"),
    "link": (lambda: tarred(OK, tar_entry("l", tarfile.SYMTYPE, "../x")), "link-outside"),
    "link chain": (
        lambda: tarred(OK, tar_entry("a/l", tarfile.SYMTYPE, ".."), tar_entry("m", tarfile.SYMTYPE, "a/l/../x")),
        "link-outside",
    ),
    "hard link": (lambda: tarred(OK, tar_entry("l", tarfile.LNKTYPE, "../../etc/passwd")), "link-outside"),
    "hard link to link": (
        lambda: tarred(OK, tar_entry("l", tarfile.SYMTYPE, "compose.yaml"), tar_entry("h", tarfile.LNKTYPE, "l")),
        "link-outside",
    ),
    "device": (lambda: tarred(OK, tar_entry("d", tarfile.BLKTYPE)), "special-file"),
    "fifo": (lambda: tarred(OK, tar_entry("d", tarfile.FIFOTYPE)), "special-file"),
    "sparse": (lambda: tarred(OK, tar_entry("s", tarfile.GNUTYPE_SPARSE)), "archive-entry-unsupported"),
    "huge pax": (huge_pax, "archive-header-too-large"),
    "checksum": (lambda: TAR.replace(b"compose.yaml", b"composE.yaml", 1), "archive-not-supported"),
    "cut off": (lambda: TAR[:1300], "archive-damaged"),
    "concatenated": (lambda: TAR + TAR, "archive-ambiguous"),
    "below link": (lambda: tarred(OK, tar_entry("l", tarfile.SYMTYPE, "."), ("l/x", b"")), "entry-below-link"),
}

HOSTILE_COMPRESSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "trailing garbage": (lambda: gzip.compress(TAR) + b"garbage", "archive-ambiguous"),
    "member after": (lambda: gzip.compress(TAR) + gzip.compress(TAR), "archive-ambiguous"),
    "cut off": (lambda: gzip.compress(TAR)[:-20], "archive-damaged"),
    "a single file": (lambda: gzip.compress(COMPOSE), "archive-damaged"),
    "bomb": (lambda: gzip.compress(b"\0" * (8 << 20)), "submission-too-large"),
    "zstd cut off": (lambda: zstd.compress(TAR)[:-40], "archive-damaged"),
    "xz dictionary": (
        lambda: lzma.compress(TAR, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]),
        "archive-memory",
    ),
}


@pytest.mark.parametrize("case", HOSTILE_ZIP)
def test_a_hostile_zip_is_refused_for_what_it_does(tmp_path: Path, case: str) -> None:
    """Each trick has its own code, and leaves nothing."""
    build, code = HOSTILE_ZIP[case]
    assert attempt(build(), tmp_path)[0] == {code}


@pytest.mark.parametrize("case", HOSTILE_TAR)
def test_a_hostile_tar_is_refused_for_what_it_does(tmp_path: Path, case: str) -> None:
    """Each trick has its own code, and leaves nothing."""
    build, code = HOSTILE_TAR[case]
    assert attempt(build(), tmp_path, "entrega.tar")[0] == {code}


@pytest.mark.parametrize("case", HOSTILE_COMPRESSED)
def test_a_hostile_stream_is_refused_for_what_it_does(tmp_path: Path, case: str) -> None:
    """Bombs, damage and what is no archive once it is unpacked."""
    build, code = HOSTILE_COMPRESSED[case]
    assert code in attempt(build(), tmp_path, "entrega.tar.gz", read_bytes=4 << 20)[0]


LEGITIMATE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "plain": ("a.zip", lambda: PLAIN),
    "Windows": ("a.zip", lambda: zipped(OK, ("app\\main.py", b"x"))),
    "Explorer's accents": ("a.zip", lambda: raw_named(b"pr\xa0ctica")),
    "macOS": ("a.zip", lambda: zipped(OK, ("__MACOSX/._compose.yaml", b"x"), ("práctica/x", b""), (".DS_Store", b""))),
    "GitHub": ("a.zip", lambda: zipped(("r-main/", b""), ("r-main/compose.yaml", COMPOSE), comment=b"0" * 40)),
    "Moodle": ("a.zip", lambda: zipped(("Ana García_12_file_/práctica/compose.yaml", COMPOSE))),
    "streamed": ("a.zip", streamed),
    "zip64": ("a.zip", wide),
    "nested": ("a.zip", lambda: zipped(OK, ("inner.zip", PLAIN), method=0)),
    "inner link": ("a.zip", lambda: zipped(OK, (zip_entry("l", stat.S_IFLNK | 0o777), b"compose.yaml"))),
    "bzip2 in zip": ("a.zip", lambda: zipped(OK, method=12)),
    "dot prefix": (
        "a.tgz",
        lambda: gzip.compress(tarred(tar_entry("./", tarfile.DIRTYPE), ("./compose.yaml", COMPOSE))),
    ),
    "tar": ("a.tar", lambda: TAR),
    "GNU": ("a.tar", lambda: tarred(OK, ("a/" * 15 + "b" * 120, b"x"), fmt=tarfile.GNU_FORMAT)),
    "pax": ("a.tar", lambda: tarred(OK, tar_entry("código", tarfile.REGTYPE, mtime="1.5"))),
    "bzip2": ("a.tar.bz2", lambda: bz2.compress(TAR)),
    "xz": ("a.tar.xz", lambda: lzma.compress(TAR)),
    "zstd": ("a.tar.zst", lambda: zstd.compress(TAR)),
    "hard link": ("a.tar", lambda: tarred(OK, tar_entry("h", tarfile.LNKTYPE, "compose.yaml"))),
    "empty folder": ("a.tar", lambda: tarred(OK, tar_entry("data", tarfile.DIRTYPE))),
}


@pytest.mark.parametrize("case", LEGITIMATE)
def test_what_honest_programs_write_is_taken(tmp_path: Path, case: str) -> None:
    """Each format that we name, as its usual program writes it."""
    name, build = LEGITIMATE[case]
    found, root = attempt(build(), tmp_path, name)
    assert found <= {"left-out", "folder-entered"}
    assert (root / "compose.yaml").read_bytes() == COMPOSE


def test_names_are_read_as_they_were_meant(tmp_path: Path) -> None:
    """An old code page of DOS, where nothing says UTF-8."""
    _, root = attempt(raw_named(b"pr\xa0ctica"), tmp_path)
    assert (root / "práctica").is_file()


def test_decomposed_names_are_composed_as_a_compose_file_writes_them(tmp_path: Path) -> None:
    """macOS takes letters apart, and a compose file names them whole."""
    _, root = attempt(zipped(OK, (unicodedata.normalize("NFD", "práctica"), b"")), tmp_path)
    assert (root / "práctica").is_file()


@pytest.mark.parametrize("name", [".git", ".GIT", ".git.", "git~1", "app/.git", "node_modules", ".venv"])
def test_what_is_no_source_is_left_out_of_an_archive_with_one_notice(tmp_path: Path, name: str) -> None:
    """It counts against no limit of the submission."""
    data = zipped(OK, *((f"{name}/{n}", b"x") for n in range(50)))
    found, root = attempt(data, tmp_path, entries=5)
    assert found == {"left-out"}
    assert not (root / name).exists()


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_build_output_is_left_out_wherever_its_tools_file_stands(tmp_path: Path, name: str) -> None:
    """Also behind it in the archive."""
    entries = (OK, ("j/target/x", b""), ("j/pom.xml", b""), ("m/target/x", b""))
    _, root = attempt(zipped(*entries) if name == "a.zip" else tarred(*entries), tmp_path, name)
    assert not (root / "j" / "target").exists()
    assert (root / "m" / "target" / "x").is_file()


def test_a_bare_repository_under_another_name_is_left_out(tmp_path: Path) -> None:
    """Its shape tells it."""
    found, root = attempt(zipped(OK, ("d/HEAD", b"ref"), ("d/objects/x", b""), ("d/refs/x", b"")), tmp_path)
    assert found == {"left-out"}
    assert not (root / "d").exists()


def test_set_id_bits_are_dropped(tmp_path: Path) -> None:
    """A copy never runs as somebody else."""
    _, root = attempt(zipped(OK, (zip_entry("x", stat.S_IFREG | 0o6777), b"")), tmp_path)
    assert (root / "x").stat().st_mode & 0o7777 == 0o755


def test_a_wrong_suffix_is_said(tmp_path: Path) -> None:
    """The content decides, and the name is remarked on."""
    assert attempt(TAR, tmp_path, "a.zip")[0] == {"archive-misnamed"}


def test_left_out_entries_end_too(tmp_path: Path) -> None:
    """Even what is passed over is counted."""
    data = zipped(OK, *((f"node_modules/{n}", b"") for n in range(30)))
    assert attempt(data, tmp_path, ignored_entries=20)[0] == {"too-many-files"}


def test_time_ends(tmp_path: Path) -> None:
    """Work is counted, not waiting: a machine that is busy with something else is our trouble and refuses nobody."""
    assert attempt(PLAIN, tmp_path, seconds=0)[0] == {"too-slow"}
    with pytest.raises(GraderError) as ours:
        attempt(PLAIN, tmp_path, patience_s=0)
    assert ours.value.remedy is not None


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.bz2"])
def test_memory_does_not_grow_with_the_archive(tmp_path: Path, name: str) -> None:
    """It is read a block at a time."""
    big = ("big", b"x" * (40 << 20))
    if name == "a.zip":
        data = zipped(OK, big)
    else:
        data = gzip.compress(tarred(OK, big), 1) if name == "a.tar.gz" else bz2.compress(tarred(OK, big), 1)
    del big
    tracemalloc.start()
    try:
        attempt(data, tmp_path, name)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


SEEDS = [PLAIN, TAR, gzip.compress(TAR), bz2.compress(TAR), lzma.compress(TAR), zstd.compress(TAR), streamed()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 60),
)
def test_any_bytes_give_a_copy_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, seed: bytes, edits: list[tuple[int, int]], cut: int
) -> None:
    """Honest archives with bytes changed and ends cut off raise nothing else."""
    data = bytearray(seed[: len(seed) - cut] if cut % 2 else seed)
    for at, value in edits:
        data[at % len(data)] = value
    attempt(bytes(data), tmp_path_factory.mktemp("fuzz"))
