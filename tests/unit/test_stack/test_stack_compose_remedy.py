"""What the grader says to type where Docker Compose is missing: a command that works in the environment it runs in."""

from __future__ import annotations

import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from grader.i18n import render
from grader.stack import compose_remedy

ROOT = Path(__file__).parents[3]
PACKAGE = compose_remedy.PACKAGE


@pytest.fixture(autouse=True)
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment of a known kind, with pip, away from a checkout."""
    folder = tmp_path / "venvs" / "broker-grader"
    folder.mkdir(parents=True)
    monkeypatch.delenv("GRADER_COMPOSE", raising=False)
    monkeypatch.setattr(sys, "prefix", str(folder))
    monkeypatch.setattr(compose_remedy.importlib.util, "find_spec", lambda _: object())
    return folder


def typed() -> list[str]:
    """The command as a shell reads it, which both languages give, beside the way that needs none."""
    said = compose_remedy.remedy()
    english, spanish = render(said, "en"), render(said, "es")
    assert english.startswith("Install Docker Compose 2.40.2 or newer (Docker Desktop brings it), or: ")
    assert spanish.endswith(str(said.params["command"]))
    return shlex.split(str(said.params["command"]))


def test_an_environment_with_pip() -> None:
    """The interpreter that runs is named, so that the package goes where it is looked for."""
    assert typed() == [sys.executable, "-m", "pip", "install", PACKAGE]


def test_an_interpreter_in_a_folder_with_a_blank(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command can be pasted into a shell."""
    monkeypatch.setattr(sys, "executable", "/home/a b/bin/python")
    assert typed()[0] == "/home/a b/bin/python"


def test_an_environment_without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """uv makes them so, and installs from outside."""
    monkeypatch.setattr(compose_remedy.importlib.util, "find_spec", lambda _: None)
    assert typed() == ["uv", "pip", "install", "--python", sys.executable, PACKAGE]


def test_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """make knows the pinned package; from another folder it is told where the checkout is."""
    monkeypatch.setattr(compose_remedy.paths, "repository", lambda: tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.chdir(tmp_path)
    assert typed() == ["make", "compose"]
    monkeypatch.chdir("/")
    assert typed() == ["make", "-C", str(tmp_path), "compose"]


def test_a_checkout_in_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """make would install into .venv, where this interpreter does not look."""
    monkeypatch.setattr(compose_remedy.paths, "repository", lambda: tmp_path)
    assert typed() == [sys.executable, "-m", "pip", "install", PACKAGE]


def test_pipx(prefix: Path) -> None:
    """pipx installs into the environment of that name."""
    (prefix / "pipx_metadata.json").write_text("{}")
    assert typed() == ["pipx", "inject", "broker-grader", PACKAGE]


def test_pipx_run(prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pipx runs without installing it is not to be injected into."""
    folder = tmp_path / ".cache" / "0a1b"
    folder.mkdir(parents=True)
    (folder / "pipx_metadata.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(folder))
    assert typed()[0] == sys.executable


@pytest.mark.parametrize("lang", ["es", "en"])
def test_a_chosen_binary_that_is_no_good(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While GRADER_COMPOSE is set, nothing that is installed would be looked at."""
    monkeypatch.setenv("GRADER_COMPOSE", "/mine")
    said = render(compose_remedy.remedy(), lang)
    assert "GRADER_COMPOSE" in said
    assert "install" not in said


def test_the_package_is_the_locked_one() -> None:
    """The version that is advised is the one that make installs and the project has tried."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    assert groups["compose"] == [PACKAGE]
