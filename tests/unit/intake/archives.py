"""Archives made for the tests of intake, honest and not, and what intake says of them."""

from __future__ import annotations

import io
import tarfile
import warnings
import zipfile
from pathlib import Path

from grader.errors import SubmissionRefusedError
from grader.intake import CopyLimits, take

COMPOSE = b"services: {}\n"


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], comment: bytes = b"", method: int = 8) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, data in entries:
            archive.writestr(name, data)
        archive.comment = comment
    return buffer.getvalue()


def zip_entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def raw_named(name: bytes, flags: int = 0) -> bytes:
    """A zip whose one extra entry has exactly these bytes as its name."""
    placeholder = "Q" * len(name)
    data = zipped(("compose.yaml", COMPOSE), (placeholder, b"x")).replace(placeholder.encode(), name)
    if flags:
        first = data.index(b"PK\x03\x04", 4)
        central = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
        patched = bytearray(data)
        patched[first + 7] |= flags >> 8
        patched[central + 9] |= flags >> 8
        patched[first + 6] |= flags & 0xFF
        patched[central + 8] |= flags & 0xFF
        data = bytes(patched)
    return data


def tarred(*entries: tuple[str, bytes] | tarfile.TarInfo, fmt: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=fmt) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                archive.addfile(info, io.BytesIO(entry[1]))
    return buffer.getvalue()


def tar_entry(name: str, kind: bytes, target: str = "", **pax: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    info.pax_headers = pax
    return info


OK = ("compose.yaml", COMPOSE)
PLAIN = zipped(OK, ("app/main.py", b"print(1)\n" * 50))
TAR = tarred(OK, ("app/main.py", b"print(1)\n" * 50))


def streamed() -> bytes:
    class Pipe(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", 8) as archive:  # type: ignore[arg-type]
        archive.writestr("compose.yaml", COMPOSE)
    return pipe.data


def wide() -> bytes:
    """A zip whose entry has its sizes in the zip64 field alone (older Pythons write them into the header as well)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("compose.yaml", "w", force_zip64=True) as file:
        file.write(COMPOSE)
    data = buffer.getvalue()
    return data[:18] + b"\xff" * 8 + data[26:]


def attempt(data: bytes, folder: Path, name: str = "entrega.zip", **limits: float) -> tuple[set[str], Path]:
    """Take the archive; return the codes of errors (or notices) and where the copy lies."""
    source = folder / name
    source.write_bytes(data)
    into = folder / "copy"
    before = {p for p in folder.rglob("*") if into not in p.parents}
    try:
        workspace = take(source, into, limits=CopyLimits(**limits))  # type: ignore[arg-type]
    except SubmissionRefusedError as refused:
        assert not into.exists()
        assert set(folder.rglob("*")) == before - {into}
        return {f.code for f in refused.findings}, into
    assert {p for p in folder.rglob("*") if into not in p.parents} == before | {into}
    return {f.code for f in workspace.findings}, Path(workspace.root)


def contents(root: Path) -> dict[str, tuple[object, ...]]:
    """What lies below `root`, by path: ("file", bytes, mode), ("link", target) or ("folder",)."""
    found: dict[str, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_dir():
            found[name] = ("folder",)
        else:
            found[name] = ("file", path.read_bytes(), path.stat().st_mode & 0o7777)
    return found
