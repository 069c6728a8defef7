from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.batch.classes import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.classroom import ClassList

COMPOSE = b"services: {}\n"


def zipped(*names: str, data: bytes | None = None) -> bytes:
    """A zip of these entries; archives among them are archives, what ends in a slash is a folder."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            content = b"" if name.endswith("/") else data or (PACKED if name.endswith(".zip") else COMPOSE)
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def listed(path: Path | str) -> list[str]:
    return sorted(entry.name for entry in Path(path).iterdir())


PACKED = zipped("compose.yaml")


@pytest.fixture
def lay(tmp_path: Path) -> Callable[..., Path]:
    """Lay out entries below a folder: a slash at the end makes a folder."""

    def make(*names: str, under: str = "class") -> Path:
        root = tmp_path / under
        root.mkdir(exist_ok=True)
        for name in names:
            path = root / name
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
                (path / "compose.yaml").write_bytes(COMPOSE)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(PACKED if name.endswith(".zip") else COMPOSE)
        return root

    return make


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Path]:
    """The same as a zip."""

    def make(*names: str) -> Path:
        path = tmp_path / "class.zip"
        path.write_bytes(zipped(*names))
        return path

    return make


@pytest.fixture
def reading(tmp_path: Path) -> Callable[..., ClassList]:
    def of(source: Path, **options: object) -> ClassList:
        return read(source, "lab", tmp_path / "out" / "unpacked", **options)  # type: ignore[arg-type]

    return of
