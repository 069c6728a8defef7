"""What `make weights` counts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import assignments

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
CHECK = '''
"""A module."""
from grader import check  # what it is written with


@check("a")
def test_it(environment):
    """Algo.

    Something.
    """
    # a remark
    environment.publish("x",
                  y=1)
    assert environment.seen(a=1,
        b=2), "no"
'''


@pytest.fixture(scope="module")
def weights() -> ModuleType:
    """Load scripts/weights.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("weights", ROOT / "scripts" / "weights.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_neither_comments_nor_wrapping_nor_requirements_are_python(weights: ModuleType) -> None:
    """Import, two blank lines, decorator, function and two statements are left; a docstring's words are text."""
    code, lines = weights._code_and_docstrings(CHECK)
    (written,) = weights.formatted(code)
    assert len(written.splitlines()) == 7
    assert lines == 3


def test_every_assignment_has_a_weight(weights: ModuleType) -> None:
    """Each has checks, texts, mutants and right alternatives."""
    for name in assignments.names():
        weight = weights.of(name)
        assert min(weight.checks, weight.python, weight.texts, weight.mutants.lines, weight.alternatives.lines) > 0
