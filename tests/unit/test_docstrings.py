"""Every test says in a sentence what it shows."""

from __future__ import annotations

import ast

from tests.pages import ROOT


def silent(source: str) -> list[str]:
    """Return the tests of a file that say nothing, or do not end what they say."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").endswith((".", "?"))
    ]


def test_every_test_says_what_it_shows() -> None:
    """A name is short; the sentence below it says what must hold, or why."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    wrong = {path.relative_to(ROOT).as_posix(): silent(path.read_text("utf-8")) for path in files}
    assert {file: names for file, names in wrong.items() if names} == {}


def test_a_silent_test_is_noticed() -> None:
    """The check fails on a test without a sentence, and on half of one."""
    source = 'def test_a():\n    """Fine."""\n\n\ndef test_b():\n    pass\n\n\nasync def test_c():\n    """half"""\n'
    assert silent(source) == ["test_b", "test_c"]
