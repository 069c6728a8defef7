"""Fixtures of the report tests: hand-made results and a reason table that stays as it is here."""

from __future__ import annotations

import pytest

from grader.model.reasons import Reason
from grader.model.text import msg
from grader.reports import view

REASON = Reason(
    title=msg("The task was acknowledged before the work"),
    why=msg("A worker that dies takes what it acknowledged with it."),
    hint=msg("Look at where the code calls ack."),
)


@pytest.fixture(autouse=True)
def _few_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "reason_of", lambda code, _: {"acked-before-work": REASON}.get(code))
