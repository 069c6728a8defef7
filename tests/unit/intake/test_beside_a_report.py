"""An archive beside a report, a picture or what systems leave is the submission; several are named."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.errors import SubmissionRefusedError
from grader.intake import CopyLimits, take
from tests.unit.intake.archives import COMPOSE, contents, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

PACKED = zipped(("compose.yaml", COMPOSE), ("app/main.py", b"x"))


def laid(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PACKED if name.endswith(".zip") else COMPOSE)
    return root


def as_folder(source: Path) -> Path:
    return source


def as_zip(source: Path) -> Path:
    with zipfile.ZipFile(source.with_suffix(".zip"), "w") as archive:
        for path in sorted(source.rglob("*")):
            archive.write(path, path.relative_to(source.parent))
    return source.with_suffix(".zip")


def codes(findings: object) -> set[str]:
    return {f.code for f in findings}  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", [as_folder, as_zip])
@pytest.mark.parametrize(
    "names",
    [
        ("entrega.zip", "memoria.pdf"),
        ("entrega.zip", "captura.png", "leeme.txt", "informe.docx"),
        ("entrega.zip", "__MACOSX/._entrega.zip", "memoria.pdf", "._entrega.zip"),
        ("entrega.zip", "node_modules/x/x.tgz", "node_modules/x/compose.yaml", "memoria.pdf"),
        ("Practica/entrega.zip", "memoria.pdf"),
        ("Practica/entrega.zip", "Memoria/memoria.pdf"),
    ],
)
def test_the_archive_is_the_submission(tmp_path: Path, form: Callable[[Path], Path], names: tuple[str, ...]) -> None:
    """In a folder and in an archive, beside reports and leftovers, and in a folder that lies beside a report."""
    workspace = take(form(laid(tmp_path / "ana", *names)), tmp_path / "copy")
    files = {n for n, what in contents(Path(workspace.root)).items() if what[0] == "file"}
    assert files == {"compose.yaml", "app/main.py"}
    said = codes(workspace.findings)
    assert "archive-beside" in said
    assert not said & {"archive-entered", "folder-entered"}  # nothing was "the only" file or folder


def test_a_report_of_any_size_stops_nobody(tmp_path: Path) -> None:
    """A film of the demonstration counts to no limit, as it is not copied."""
    source = laid(tmp_path / "ana", "entrega.zip")
    (source / "demo.mp4").write_bytes(bytes(100_000))
    workspace = take(source, tmp_path / "copy", limits=CopyLimits(total_bytes=20_000, file_bytes=20_000))
    assert (Path(workspace.root) / "compose.yaml").is_file()


@pytest.mark.parametrize("form", [as_folder, as_zip])
@pytest.mark.parametrize("names", [("a.zip", "b.zip"), ("a.zip", "memoria.pdf", "Practica/b.zip")])
def test_several_archives_are_refused_with_their_names(
    tmp_path: Path, form: Callable[[Path], Path], names: tuple[str, ...]
) -> None:
    """Nobody can tell which of them counts."""
    with pytest.raises(SubmissionRefusedError) as error:
        take(form(laid(tmp_path / "ana", *names)), tmp_path / "copy")
    (finding,) = [f for f in error.value.findings if f.severity == "error"]
    assert finding.code == "archives-several"
    shown = str(finding.message.params["files"])
    assert "a.zip" in shown
    assert "b.zip" in shown
    assert finding.remedy


@pytest.mark.parametrize(
    "names",
    [
        ("compose.yaml", "datos.zip", "memoria.pdf"),
        ("app/Dockerfile", "datos.zip"),
        ("docker-compose.yml.txt", "datos.zip"),
        ("practica/compose.yaml", "a.zip", "b.zip"),
        ("a/b/c/entrega.zip", "x/y.pdf"),
        ("lib/app.jar", "memoria.pdf"),
    ],
)
def test_where_a_program_lies_archives_are_files(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Also where its compose file has a wrong name or place: that is then what there is to say."""
    workspace = take(laid(tmp_path / "ana", *names), tmp_path / "copy")
    assert {n for n, what in contents(tmp_path / "copy").items() if what[0] == "file"} == set(names)
    assert not codes(workspace.findings) & {"archive-beside", "archive-entered"}


def test_an_archive_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    """A rar beside a report is what was handed in."""
    source = laid(tmp_path / "ana", "memoria.pdf")
    (source / "entrega.rar").write_bytes(b"Rar!\x1a\x07" + bytes(40))
    with pytest.raises(SubmissionRefusedError) as error:
        take(source, tmp_path / "copy")
    assert [(f.code, f.file) for f in error.value.findings if f.severity == "error"] == [
        ("archive-not-supported", "entrega.rar")
    ]
