"""The page of the author's API is what the docstrings say."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


API = runpy.run_path(str(ROOT / "scripts" / "api.py"))


def test_the_page_is_written_from_the_docstrings() -> None:
    """Mend: python scripts/api.py."""
    assert (ROOT / "docs" / "api.md").read_text("utf-8") == API["text"]()


def test_the_types_are_those_of_what_is_exported() -> None:
    """Mend: python scripts/api.py."""
    assert (ROOT / "grader" / "__init__.pyi").read_text("utf-8") == API["stub"]()


def test_everything_of_the_api_says_what_it_is() -> None:
    """Each name of `grader` can be imported, and has a docstring or a value to show (a type's name is one)."""
    import grader  # noqa: PLC0415 - what is looked at

    for name in API["homes"]():
        thing = getattr(grader, name)
        assert isinstance(thing, str | tuple) or thing.__doc__ or name == "Condition", name
