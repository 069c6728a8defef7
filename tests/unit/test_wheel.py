"""What students install: the distributions are built, looked through, and installed away from the checkout."""

from __future__ import annotations

import json
import re
import runpy
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import assignments, kit, process
from grader._version import __version__
from grader.kit.confidential import gather
from grader.kit.contents import PARTS
from grader.kit.proof import leaks
from tests.pages import ROOT

if TYPE_CHECKING:
    from tests.wheels import Installed

pytest_plugins = ["tests.wheels"]


@pytest.fixture(scope="module")
def files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _grader(installed: Installed, cwd: Path, *argv: str) -> str:
    done = process.run([installed.grader, *argv], deadline_s=60, env=installed.environment(cwd / "cache"), cwd=cwd)
    assert done.returncode == 0, done.output
    return done.output


def test_it_holds_what_students_need(files: dict[str, bytes]) -> None:
    """Handout, starter, rubric and public checks of every assignment, templates, catalogues, schemas, recipes."""
    for name in assignments.names():
        pack = f"grader/pack/{name}/"
        assert {pack + "README.md", pack + "assignment.yaml", pack + "subject.py"} <= files.keys()
        assert any(n.startswith(pack + "public/test_") for n in files)
        assert any(n.startswith(pack + "starter/") for n in files)
        assert pack + "reasons.yaml" in files
    assert not any("__pycache__" in n for n in files)


def test_it_holds_all_that_the_package_reads(files: dict[str, bytes]) -> None:
    """Every file of grader/ that is kept in git, and every file of a recipe, byte for byte."""
    for folder, place in ((ROOT / "grader", "grader"), (ROOT / "fixtures" / "images", "grader/images/recipes")):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert files.get(f"{place}/{path.relative_to(folder).as_posix()}") == path.read_bytes(), path


def test_it_holds_nothing_that_gives_the_checks_away(files: dict[str, bytes]) -> None:
    """No hidden check, reference or mutant, under whatever name: what is proven of a kit holds for the wheel."""
    for name in assignments.names():
        prefix = f"grader/pack/{name}/"
        pack = {n.removeprefix("grader/pack/"): data for n, data in files.items() if n.startswith(prefix)}
        assert leaks(pack, gather(assignments.load(name))) == ()
    assert {n.split("/")[2] for n in files if n.startswith("grader/pack/")} == set(assignments.names())
    contents = set(files.values())
    for name in assignments.names():
        found = assignments.load(name)
        hidden = (p for p in Path(found.directory, "hidden").rglob("*.py"))
        assert not any(p.read_bytes() in contents for p in hidden)


def test_the_source_distribution_gives_away_no_more(dist: Path) -> None:
    """`python -m build` makes the wheel from it, and it may be handed on like the wheel."""
    (found,) = dist.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        names = ["/".join(Path(n).parts[1:]) for n in archive.getnames()]
    assert "assignments/rabbitmq-task-queue/public/test_public.py" in names
    assert "scripts/wheel_contents.py" in names
    given_away = re.compile(r"assignments/[^/]+/hidden/|reference_solutions/|fixtures/submissions/|tests/")
    assert not [n for n in names if given_away.match(n)]


def test_the_wheel_and_a_kit_are_made_of_the_same_parts() -> None:
    """The build cannot import the grader, so the list stands twice."""
    assert runpy.run_path(str(ROOT / "scripts" / "wheel_contents.py"))["PARTS"] == PARTS


def test_the_version_comes_from_one_place(wheel: Path, files: dict[str, bytes]) -> None:
    """grader/_version.py says it; no other file of the project does."""
    assert wheel.name.split("-")[1] == __version__
    assert f'"{__version__}"' in files["grader/_version.py"].decode()
    assert f'version = "{__version__}"' not in (ROOT / "pyproject.toml").read_text("utf-8")


def test_it_works_where_there_is_no_checkout(installed: Installed, tmp_path: Path) -> None:
    """list, new, inspect and kit, from an empty folder, with nothing but the wheel and its dependencies."""
    assert _grader(installed, tmp_path, "--version").strip().endswith(__version__)
    listed = json.loads(_grader(installed, tmp_path, "list", "--json"))
    assert {a["id"] for a in listed} == set(assignments.names())
    for name in assignments.names():
        _grader(installed, tmp_path, "new", name)
        assert "compose.yaml" in {p.name for p in (tmp_path / name).iterdir()}
        verdict = json.loads(_grader(installed, tmp_path, "inspect", name, "--assignment", name, "--json"))
        assert verdict["accepted"]
    assert "es" in _grader(installed, tmp_path, "kit", "redis-cache-aside", "--out", "students", "--lang", "es")
    here = kit.write(assignments.load("redis-cache-aside"), tmp_path / "here")
    for name in here.files:
        assert (tmp_path / "students" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert installed.reads.read_text() == ""


def test_installed_it_finds_its_recipes_and_catalogue(installed: Installed, tmp_path: Path) -> None:
    """What builds stand-ins where nothing can be pulled is in the package, for every image of the catalogue."""
    program = (
        "import grader, pathlib\n"
        "from grader import catalogue, paths\n"
        "from grader.images import recipes\n"
        "assert paths.repository() is None, paths.repository()\n"
        "known = catalogue.load()\n"
        "prints = [recipes.fingerprint(known, e) for e in known.equivalents.values()]\n"
        "print(len(prints), pathlib.Path(grader.__file__).parent)\n"
    )
    done = process.run([installed.python, "-I", "-c", program], deadline_s=60, env=None, cwd=tmp_path, check=True)
    count, _, place = done.output.strip().partition(" ")
    assert int(count) > 10
    assert Path(place).is_relative_to(installed.programs.parent)
    assert installed.reads.read_text() == ""
