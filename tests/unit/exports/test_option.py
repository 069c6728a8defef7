"""`--export` on the command line, with a submission that is refused: no engine is needed for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from grader.cli import command
from grader.cli.exporting import Exports
from grader.errors import GraderError
from tests.unit.reports import builders

if TYPE_CHECKING:
    from pathlib import Path


def run(*argv: str) -> Result:
    return CliRunner().invoke(command, list(argv), catch_exceptions=False)


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    folder = tmp_path / "lab" / "ana"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services:\n  api:\n    image: redis:7\n    privileged: true\n")
    (folder / "grader.yaml").write_text("assignment: redis-cache-aside\n")
    return folder


@pytest.mark.parametrize("name", ["grade", "check"])
def test_exports_of_a_refused_submission(
    name: str, refused: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both commands write them beside the report or where they are wanted; the exit code stays that of the grade."""
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    arguments = {"grade": ("redis-cache-aside", str(refused)), "check": (str(refused),)}[name]
    out, there = tmp_path / "out", tmp_path / "there" / "results.json"
    ran = run(name, *arguments, "--out", str(out), "--export", "sarif", "--export", f"gradescope={there}")
    assert ran.exit_code == 4, ran.output
    (result, *_) = json.loads((out / "findings.sarif").read_text())["runs"][0]["results"]
    where = result["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "lab/ana/compose.yaml"
    assert json.loads(there.read_text())["score"] == 0


@pytest.mark.parametrize("word", ["junt", "", "=x", "classroom50"])
def test_what_cannot_be_exported_is_said_before_anything_is_graded(
    word: str, refused: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2; a format of a platform outside of it names what is missing."""
    monkeypatch.delenv("CLASSROOM", raising=False)
    out = tmp_path / "out"
    ran = run("grade", "redis-cache-aside", str(refused), "--out", str(out), "--export", word, "--lang", "en")
    assert ran.exit_code == 2
    assert ("SUBMISSION_TAG" if word == "classroom50" else "gradescope") in ran.output
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With what is there nevertheless."""
    (tmp_path / "file").touch()
    exports = Exports((f"junit={tmp_path / 'file' / 'x.xml'}",), tmp_path, "en", "student")
    with pytest.raises(GraderError) as caught:
        exports.write(builders.all_passed(), tmp_path)
    assert str(tmp_path / "file") in str(caught.value.message.params["file"])


def test_a_submission_outside_of_the_workspace_has_no_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are then relative to the submission."""
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    exports = Exports(("sarif",), tmp_path / "ana", "en", "student")
    exports.write(builders.refused(), tmp_path)
    (result, *_) = json.loads((tmp_path / "findings.sarif").read_text())["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "compose.yaml"
