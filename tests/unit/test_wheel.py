"""What students install: the built wheel is opened and looked through."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from grader import assignments, process

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    process.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        deadline_s=120, env=None, cwd=ROOT, check=True,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_what_students_need(names: set[str]) -> None:
    """Handout, starter, rubric and public checks of every assignment, templates, catalogues, recipes."""
    for name in assignments.names():
        pack = f"grader/pack/{name}/"
        assert {pack + "README.md", pack + "assignment.yaml", pack + "conftest.py"} <= names
        assert any(n.startswith(pack + "public/test_") for n in names)
        assert any(n.startswith(pack + "starter/") for n in names)
    for place in ("grader/locale/es/LC_MESSAGES/grader.mo", "grader/images/catalog.yaml", "grader/py.typed"):
        assert place in names
    assert any(n.startswith("grader/images/recipes/rabbitmq/") for n in names)
    assert any(n.endswith(".html.j2") for n in names)


def test_it_holds_nothing_that_gives_the_checks_away(names: set[str]) -> None:
    """No hidden check, reference or mutant, under whatever name."""
    for name in names:
        assert not {"hidden", "reference_solutions", "submissions", "expected.yaml"} & set(Path(name).parts), name
    assert not any("test_faults" in n or "test_messages" in n for n in names)
