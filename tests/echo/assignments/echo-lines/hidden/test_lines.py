"""One check, with what the room gives: a fixture of its role's name."""

from __future__ import annotations

from grader import check


@check("line.answered")
def test_each_line_is_answered(echo, ids):
    """A «do x» alguien responde «did x».

    Somebody answers "do x" with "did x".
    """
    for name in ids.several("line", 2):
        echo.ask(f"do {name}", f"did {name}", within=20)
