"""What changed since the last attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.exports import result_json
from grader.presentation.audience import redacted
from grader.reports import html, progress
from tests.unit.batch.results import assignment, result

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("earlier", "later", "changes"),
    [
        (result(1), result(2), [("c1", "fixed")]),
        (result(2), result(1), [("c1", "broken")]),
        (result(1), result(1), []),
        (result(3), result(3, reason="message-lost"), [("c3", "other-reason")]),
        (result(3), result(3, verdict="error"), []),  # our trouble is no news of the student's work
        (result(3), result(2, verdict="blocked"), []),
        (result(3, verdict="blocked"), result(4), [("c3", "fixed")]),
    ],
)
def test_changes(earlier, later, changes) -> None:
    """What was fixed, what broke, and what fails otherwise; errors of ours are no change."""
    assert progress.changes(progress.of_result(earlier), later) == tuple(changes)


def test_without_an_earlier_attempt_there_is_nothing_to_say(tmp_path: Path) -> None:
    """The page does not mention one."""
    assert progress.before(tmp_path / "result.json", "tarea") is None
    assert progress.changes(None, result(1)) is None
    assert "último intento" not in html.page(redacted(result(1), "instructor"))


def test_the_earlier_attempt_is_read_from_its_document(tmp_path: Path) -> None:
    """That of the same assignment alone."""
    file = tmp_path / "result.json"
    result_json.write(redacted(result(1), "instructor"), file)
    earlier = progress.before(file, assignment().id)
    assert earlier == progress.of_result(result(1))
    assert progress.before(file, "another") is None
    page = html.page(redacted(result(2), "instructor"), earlier=earlier)
    assert "Desde tu último intento" in page
    assert "ahora se supera" in page


@pytest.mark.parametrize("text", ["", "{", '{"assignment": "tarea", "checks": 3}', "[]"])
def test_what_is_no_result_is_no_attempt(tmp_path: Path, text: str) -> None:
    """Whatever lies there under that name."""
    (tmp_path / "result.json").write_text(text)
    assert progress.before(tmp_path / "result.json", "tarea") is None
