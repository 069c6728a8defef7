"""Intake of what real programs write: every byte, name, link and mode comes out as it lay on the author's disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import stat
import subprocess
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from grader.intake import take
from grader.zstd import zstd
from tests.unit.intake.archives import (
    COMPOSE,
    OK,
    PLAIN,
    TAR,
    attempt,
    contents,
    raw_named,
    tar_entry,
    tarred,
    zip_entry,
    zipped,
)  # fmt: skip

GIT = "git -c user.name=a -c user.email=a@example.org -c init.defaultBranch=main -c core.autocrlf=false"


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A submission as it lies on an author's disk, alone in a folder."""
    root = tmp_path_factory.mktemp("author") / "mi práctica"
    deep = root.joinpath(*(f"d{n}" for n in range(14)))
    for folder in (root / "app", root / "vacío", deep):
        folder.mkdir(parents=True)
    (root / "compose.yaml").write_bytes(COMPOSE)
    (root / "app" / "main.py").write_bytes(b"print(1)\r\n" * 500)
    (deep / ("x" * 60 + ".txt")).write_text("deep")
    (root / "random.bin").write_bytes(os.urandom(300_000))
    for name in ("ñandú.txt", "emoji 🚀.md", 'it\'s "q" a#b%c.txt', "-dash", "~tmp", "[x] (1).txt", "a&b;c$d", ".env"):
        (root / name).write_text(name)
    for name, mode in (("run.sh", 0o755), ("ro", 0o444), ("rox", 0o555), ("empty", 0o644)):
        (root / name).write_text("" if name == "empty" else name)
        (root / name).chmod(mode)
    (root / "link").symlink_to("app/main.py")
    (root / "dlink").symlink_to("app")
    os.link(root / "app" / "main.py", root / "app" / "hard.py")
    return root


def meant(root: Path, *, links: str = "kept", empty: bool = True) -> dict[str, tuple[object, ...]]:
    """The clean copy that an archive of `root` must give. links: kept, gone or followed, as the program does."""
    want = contents(root)
    for name, what in list(want.items()):
        if what[0] == "file":
            want[name] = (*what[:2], 0o755 if int(str(what[2])) & 0o111 else 0o644)
        elif (what[0] == "link" and links == "gone") or (what == ("folder",) and not empty and name == "vacío"):
            del want[name]
    if links == "followed":
        want["link"], want["dlink"] = want["app/main.py"], ("folder",)
        want |= {f"dlink/{n}": want[f"app/{n}"] for n in ("main.py", "hard.py")}
    return want


def shell(command: str, cwd: Path, out: Path) -> None:
    """Run a tool; skip where this machine has none."""
    # What tar calls for these letters is another program, which a small machine lacks.
    packers = [packer for flag, packer in (("-cjf", "bzip2"), ("-cJf", "xz"), ("-czf", "gzip")) if flag in command]
    for word in [*command.replace("|", " ").split(), *packers]:
        if word in {"zip", "git", "tar", "bsdtar", "gzip", "zstd", "xz", "bzip2"} and shutil.which(word) is None:
            pytest.skip(f"{word} is not installed on this machine")
    env = {**os.environ, "OUT": str(out), "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(out.parent)}
    done = subprocess.run(
        command, shell=True, cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


# command (in the folder, or "@" beside it; the archive's path in $OUT), the archive's name, and how links are stored
TOOLS: tuple[tuple[str, str, str], ...] = (
    ("zip -qry $OUT .", "a.zip", "kept"),
    ("@zip -qry $OUT 'mi práctica'", "a.zip", "kept"),
    ("zip -qr $OUT .", "a.zip", "followed"),
    ("zip -qry0 $OUT .", "a.zip", "kept"),
    ("zip -qry9X $OUT .", "a.zip", "kept"),
    ("zip -qry -Z bzip2 $OUT .", "a.zip", "kept"),
    ("zip -qry -fz $OUT .", "a.zip", "kept"),
    ("zip -qry - . > $OUT", "a.zip", "kept"),
    ("zip -qry $OUT . && echo comentario | zip -qz $OUT && zip -qd $OUT ro && zip -q $OUT ro", "a.zip", "kept"),
    ("bsdtar --format=zip -cf $OUT .", "a.zip", "kept"),
    ("bsdtar --format=zip -cf - . | cat > $OUT", "a.zip", "kept"),
    *((f"tar --format={f} -cf $OUT .", "a.tar", "kept") for f in ("gnu", "oldgnu", "posix", "ustar")),
    *((f"bsdtar --format={f} -cf $OUT .", "a.tar", "kept") for f in ("gnutar", "pax", "ustar")),
    ("@tar -cf $OUT 'mi práctica/'", "a.tar", "kept"),
    ("tar -b1 -V etiqueta --format=gnu --mtime=1950-01-01 --owner=x:4000000000 -cf $OUT .", "a.tar", "kept"),
    ("tar -V etiqueta --format=posix --mtime=1950-01-01 --owner=ñ:4000000000 -cf $OUT .", "a.tar", "kept"),
    ("tar -czf $OUT .", "a.tar.gz", "kept"),
    ("tar -cjf $OUT .", "a.tar.bz2", "kept"),
    ("tar -cf - . | xz -9 --check=sha256 > $OUT", "a.tar.xz", "kept"),
    ("tar -cf - . | xz -T2 --block-size=100KiB --check=none > $OUT", "a.tar.xz", "kept"),
    ("tar -cf - . | zstd -q -19 > $OUT", "a.tar.zst", "kept"),
    ("tar -cf ../n.tar . && gzip -N ../n.tar && mv ../n.tar.gz $OUT", "a.tgz", "kept"),
)  # fmt: skip


@pytest.mark.parametrize(("command", "name", "links"), TOOLS, ids=[t[0] for t in TOOLS])
def test_what_a_tool_packs_comes_out_as_it_was(
    author: Path, tmp_path: Path, command: str, name: str, links: str
) -> None:
    """Names, contents, modes and links, through each program and format."""
    shell(command.lstrip("@"), author.parent if command.startswith("@") else author, tmp_path / name)
    workspace = take(tmp_path / name, tmp_path / "copy")
    assert contents(Path(workspace.root)) == meant(author, links=links)
    assert {f.code for f in workspace.findings} == ({"folder-entered"} if command.startswith("@") else set())


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_what_python_packs_comes_out_as_it_was(author: Path, tmp_path: Path, form: str) -> None:
    """The archives that `shutil` makes are taken like any."""
    plain = shutil.copytree(author, tmp_path / "plain", symlinks=form != "zip")
    made = shutil.make_archive(str(tmp_path / "made"), form, plain)
    workspace = take(Path(made), tmp_path / "copy")
    assert contents(tmp_path / "copy") == meant(author, links="followed" if form == "zip" else "kept")
    assert workspace.findings == ()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("archive --format=zip -o $OUT HEAD", "a.zip"),
        ("archive --format=zip --prefix=r-main/ -o $OUT HEAD", "a.zip"),
        ("archive --format=tar -o $OUT HEAD", "a.tar"),
        ("archive --format=tar.gz --prefix=r-main/ -o $OUT HEAD", "a.tar.gz"),
        ("bundle create -q $OUT HEAD --all", "a.bundle"),
        ("bundle create -q $OUT main", "a.bundle"),  # has no HEAD
        ("bundle create -q --version=3 $OUT --all", "a.bundle"),
    ],
)
def test_what_git_packs_comes_out_as_it_was(author: Path, tmp_path: Path, command: str, name: str) -> None:
    """`git archive` and bundles, with git's own headers."""
    work = shutil.copytree(author, tmp_path / "work", symlinks=True)
    shell(f"{GIT} init -q && {GIT} add -A && {GIT} commit -qm x && {GIT} {command}", work, tmp_path / name)
    if name == "a.tar":
        assert (tmp_path / name).read_bytes().startswith(b"pax_global_header")
    workspace = take(tmp_path / name, tmp_path / "copy")
    assert contents(Path(workspace.root)) == meant(author, empty=False)


LONG = "d" * 90 + "/" + "e" * 120 + "/" + "ñ" * 70
OTHER = "f" * 130 + "/" + "g" * 140


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
def test_long_names_and_targets_of_a_tar_are_read(tmp_path: Path, form: int) -> None:
    """In each of the dialects that has a way to say them."""
    link, hard = tar_entry("s", tarfile.SYMTYPE, OTHER), tar_entry("h", tarfile.LNKTYPE, LONG)
    _, root = attempt(tarred(OK, (LONG, b"1"), (OTHER, b"2"), link, hard, fmt=form), tmp_path, "a.tar")
    found = contents(root)
    assert (found[LONG], found[OTHER], found["h"]) == (
        ("file", b"1", 0o644), ("file", b"2", 0o644), ("file", b"1", 0o644),
    )  # fmt: skip
    assert found["s"] == ("link", OTHER)


def dialect(magic: bytes, prefix: bytes = b"pre", *, star: bool = False) -> bytes:
    """A tar whose first header has something where POSIX has the start of a name."""
    header = bytearray(tarred(("x", b"x"), fmt=tarfile.USTAR_FORMAT)[:1024])
    header[257 : 257 + len(magic)] = magic
    header[345 : 345 + len(prefix)] = prefix
    if star:
        header[476:488] = b"00000000000\0"
        header[508:512] = b"tar\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header) + tarred(OK)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (dialect(b"ustar\x0000"), "pre/x"),
        (dialect(b"ustar\x0000", b"p" * 155), "p" * 155 + "/x"),
        (dialect(b"ustar\x0000", b"p" * 131, star=True), "p" * 131 + "/x"),  # with times behind
        (dialect(b"ustar  \0"), "x"),  # GNU: times
        (dialect(b"\0" * 8), "x"),  # before POSIX
    ],
    ids=["posix", "posix, long", "star", "gnu", "v7"],
)
def test_each_dialect_has_its_own_start_of_a_name(tmp_path: Path, data: bytes, name: str) -> None:
    """A prefix of ustar is none in the old formats."""
    _, root = attempt(data, tmp_path, "a.tar")
    assert {p for p, what in contents(root).items() if what[0] == "file"} == {"compose.yaml", name}


def unicode_name(plain: bytes, name: str) -> bytes:
    """A zip with a name in a code page and the Unicode field that says what it means."""
    info = zipfile.ZipInfo("Q" * len(plain))
    said = name.encode()
    info.extra = b"up" + (5 + len(said)).to_bytes(2, "little") + b"\1" + zlib_crc(plain) + said
    return zipped(OK, (info, b"x")).replace(b"Q" * len(plain), plain)


def zlib_crc(data: bytes) -> bytes:
    return zipfile.crc32(data).to_bytes(4, "little")  # type: ignore[attr-defined]


NAMES: dict[str, tuple[bytes, str]] = {
    "Windows code page": (raw_named(b"pr\xa0ctica\\\xb5rbol.txt"), "práctica/Árbol.txt"),
    "Windows, UTF-8": (raw_named("práctica\\año.txt".encode(), 0x800), "práctica/año.txt"),
    "macOS, no flag, decomposed": (raw_named(unicodedata.normalize("NFD", "práctica/año").encode()), "práctica/año"),
    "Info-ZIP's Unicode field": (unicode_name(b"pr\xa0ctica.txt", "práctica.txt"), "práctica.txt"),
    "Unicode field, escaped": (unicode_name(b"a#U00f1o.txt", "año.txt"), "año.txt"),
    "looks encoded": (zipped(OK, ("%2e%2e/x", b"x")), "%2e%2e/x"),
}


@pytest.mark.parametrize("case", NAMES)
def test_names_of_a_zip_are_those_that_the_author_saw(tmp_path: Path, case: str) -> None:
    """Code pages, UTF-8 and Unicode extras are read as they were meant."""
    data, name = NAMES[case]
    _, root = attempt(data, tmp_path)
    assert {p: what[1] for p, what in contents(root).items() if what[0] == "file"} == {
        "compose.yaml": COMPOSE, name: b"x",
    }  # fmt: skip


def test_modes_of_a_zip_from_windows_are_plain(tmp_path: Path) -> None:
    """Its attributes are no Unix mode."""
    info = zipfile.ZipInfo("run.sh")
    info.create_system, info.external_attr = 0, 0x20
    _, root = attempt(zipped(OK, (info, b"x")), tmp_path)
    assert (root / "run.sh").stat().st_mode & 0o7777 == 0o644


def test_what_macos_adds_is_left_out(tmp_path: Path) -> None:
    """Resource forks and Finder's files are nobody's work."""
    entries = (OK, ("__MACOSX/._compose.yaml", b"x"), ("app/._main.py", b"x"), ("app/main.py", b""), (".DS_Store", b""))
    found, root = attempt(zipped(*entries), tmp_path)
    assert found == {"left-out"}
    assert contents(root).keys() == {"compose.yaml", "app", "app/main.py"}


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_folder_may_be_there_twice(tmp_path: Path, name: str) -> None:
    """Tools write it again, and nothing is wrong with that."""
    if name == "a.zip":
        folders = [(zip_entry("app/", stat.S_IFDIR | 0o755), b"") for _ in range(2)]
        data = zipped(OK, folders[0], ("app/x", b"1"), folders[1])
    else:
        folder = tar_entry("app", tarfile.DIRTYPE)
        data = tarred(OK, folder, ("app/x", b"1"), folder)
    found, root = attempt(data, tmp_path, name)
    assert (found, (root / "app" / "x").read_bytes()) == (set(), b"1")


def moded(name: str, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = mode
    return info


LINK = tar_entry("x", tarfile.LNKTYPE, "compose.yaml")
TWICE: dict[str, tuple[bytes, str]] = {
    "the same": (tarred(OK, OK), "entry-repeated"),
    "the same under ./": (tarred(OK, ("./compose.yaml", COMPOSE)), "entry-repeated"),
    "the same as a hard link": (tarred(OK, ("x", COMPOSE), LINK), "entry-repeated"),
    "other bytes": (tarred(OK, ("compose.yaml", b"services: []\n")), "name-collision"),
    "shorter": (tarred(OK, ("compose.yaml", COMPOSE[:-1])), "name-collision"),
    "longer": (tarred(OK, ("compose.yaml", COMPOSE + b"\n")), "name-collision"),
    "other mode": (tarred(OK, moded("x", 0o644), moded("x", 0o755)), "name-collision"),
    "other case": (tarred(OK, ("Compose.yaml", COMPOSE)), "name-collision"),
    "a hard link to other bytes": (tarred(OK, ("x", b"1"), LINK), "name-collision"),
}


@pytest.mark.parametrize("case", TWICE)
def test_a_file_that_a_tar_repeats_is_taken_only_if_it_is_the_same(tmp_path: Path, case: str) -> None:
    """Two different contents under one name are ambiguous."""
    data, code = TWICE[case]
    found, root = attempt(data, tmp_path, "a.tar")
    assert found == {code}
    assert root.exists() == (code == "entry-repeated")


SKIPPED = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
HALF = len(TAR) // 2
FILLED = len(TAR.rstrip(b"\0"))
# A block as it is, and one of the last byte so many times over.
REPEATED = b"".join((
    b"\x28\xb5\x2f\xfd\0\x38",
    (FILLED << 3).to_bytes(3, "little"), TAR[:FILLED],
    (len(TAR) - FILLED << 3 | 0b011).to_bytes(3, "little"), b"\0",
))  # fmt: skip
PIECES: dict[str, tuple[str, bytes]] = {
    "gzip, two members": ("a.tar.gz", gzip.compress(TAR[:HALF]) + gzip.compress(TAR[HALF:])),
    "gzip, padded": ("a.tar.gz", gzip.compress(TAR) + bytes(4000)),
    "bzip2, two streams": ("a.tar.bz2", bz2.compress(TAR[:HALF]) + bz2.compress(TAR[HALF:])),
    "xz, two streams and padding": ("a.tar.xz", lzma.compress(TAR[:HALF]) + bytes(8) + lzma.compress(TAR[HALF:])),
    "zstd, two frames": ("a.tar.zst", zstd.compress(TAR[:HALF]) + zstd.compress(TAR[HALF:])),
    "zstd, a frame to skip": ("a.tar.zst", zstd.compress(TAR) + SKIPPED),
    "zstd, checksum": ("a.tar.zst", zstd.compress(TAR, options={zstd.CompressionParameter.checksum_flag: 1})),
    "zstd, no size": ("a.tar.zst", zstd.compress(TAR, options={zstd.CompressionParameter.content_size_flag: 0})),
    "zstd, a repeated byte": ("a.tar.zst", REPEATED),
    "tar, one empty record": ("a.tar", TAR[: len(TAR.rstrip(b"\0")) // 512 * 512 + 1024]),
    "zip, padded as bsdtar does": ("a.zip", PLAIN + bytes(300)),
}


@pytest.mark.parametrize("case", PIECES)
def test_what_is_in_pieces_or_padded_is_read_through(tmp_path: Path, case: str) -> None:
    """Members, streams, frames and padding are one content."""
    name, data = PIECES[case]
    found, root = attempt(data, tmp_path, name)
    assert found == set()
    assert {p: what[1] for p, what in contents(root).items() if what[0] == "file"} == {
        "compose.yaml": COMPOSE, "app/main.py": b"print(1)\n" * 50,
    }  # fmt: skip


MOODLE = "Ana García_12_assignsubmission_file_/"
INNER: dict[str, bytes] = {
    "alone": zipped(("entrega.zip", PLAIN)),
    "in Moodle's folder": zipped((MOODLE + "entrega.zip", PLAIN), ("__MACOSX/._x", b"x")),
    "a tar.gz": zipped(("entrega.tar.gz", gzip.compress(TAR))),
    "in a tar": tarred(("entrega.zip", PLAIN)),
    "a wrapped folder": zipped(
        (MOODLE + "entrega.zip", zipped(("mi práctica/compose.yaml", COMPOSE),
                                        ("mi práctica/app/main.py", b"print(1)\n" * 50)))
    ),
    "under a name that tells nothing": zipped(("entrega", PLAIN)),
}  # fmt: skip


@pytest.mark.parametrize("case", INNER)
def test_the_only_archive_within_is_the_submission(tmp_path: Path, case: str) -> None:
    """It is entered, whatever it is packed in."""
    source = tmp_path / ("a.tar" if case == "in a tar" else "a.zip")
    source.write_bytes(INNER[case])
    workspace = take(source, tmp_path / "copy")
    assert "archive-entered" in {f.code for f in workspace.findings}
    assert contents(Path(workspace.root)) == {
        "app": ("folder",),
        "app/main.py": ("file", b"print(1)\n" * 50, 0o644),
        "compose.yaml": ("file", COMPOSE, 0o644),
    }


def test_an_archive_beside_other_files_stays_packed(tmp_path: Path) -> None:
    """It is a file of the submission then."""
    found, root = attempt(zipped(OK, ("data.zip", PLAIN)), tmp_path)
    assert (found, (root / "data.zip").read_bytes()) == (set(), PLAIN)


def test_only_one_archive_is_entered(tmp_path: Path) -> None:
    """A third one within is a file."""
    _, root = attempt(zipped(("a.zip", zipped(("b.zip", PLAIN)))), tmp_path)
    assert contents(root) == {"b.zip": ("file", PLAIN, 0o644)}


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        (zipped(OK, ("../x", b"")), "path-outside"),
        (PLAIN[:-9], "archive-damaged"),
        (b"Rar!\x1a\x07\x01\x00", "archive-not-supported"),
    ],
)
def test_the_archive_within_is_judged_as_any(tmp_path: Path, inner: bytes, code: str) -> None:
    """It has no rights of its own."""
    assert attempt(zipped(("b.zip", inner)), tmp_path)[0] == {code}
