"""The words of a report in one language: rendered, cleaned, never trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from grader import untrusted
from grader.model.text import Text, msg
from grader.presentation import limits

if TYPE_CHECKING:
    from grader.model.assignment import Assignment, Level
    from grader.model.grade import Status
    from grader.model.outcome import Verdict

# The glyph says what the colour says, for readers who see no colour.
GLYPHS: Final[dict[str, str]] = {"passed": "✓", "failed": "✗", "blocked": "…", "error": "!"}

VERDICTS: Final[dict[Verdict, Text]] = {
    "passed": msg("passed"),
    "failed": msg("failed"),
    "blocked": msg("waiting"),
    "error": msg("not judged"),
}
COUNTS: Final[dict[Verdict, Text]] = {
    "passed": msg("passed: %(n)s"),
    "failed": msg("failed: %(n)s"),
    "blocked": msg("waiting: %(n)s"),
    "error": msg("not judged: %(n)s"),
}
LEVELS: Final[dict[Level, Text]] = {"core": msg("core"), "robust": msg("robust"), "bonus": msg("bonus")}
STATUSES: Final[dict[Status, Text]] = {
    "final": msg("Final grade"),
    "provisional": msg("Provisional grade"),
    "rejected": msg("Submission rejected"),
}
STATUS_MEANINGS: Final[dict[Status, Text]] = {
    "final": msg("Nothing went wrong on our side: the same submission gets the same grade."),
    "provisional": msg(
        "Something went wrong on our side, not in your work. What is marked as not judged has cost you nothing for "
        "good: it will be graded again."
    ),
    "rejected": msg("Nothing was started, so nothing was graded. Mend what is listed here and hand it in again."),
}
STAGES: Final[dict[str, Text]] = {
    "intake": msg("taking the submission in"),
    "policy": msg("reading the compose file"),
    "engine": msg("connecting to Docker"),
    "images": msg("finding images"),
    "networks": msg("making networks"),
    "build": msg("building images"),
    "up": msg("starting services"),
    "ready": msg("waiting until services are ready"),
    "checks": msg("checking"),
    "teardown": msg("tidying up"),
}


class Words:
    """Renders texts in `lang` for a reader; an assignment's own catalogues are asked first."""

    def __init__(self, lang: str, assignment: Assignment | None = None) -> None:
        self.lang = lang
        self.extra = Path(assignment.directory) if assignment is not None and assignment.directory else None

    def __call__(self, text: Text | None) -> str:
        """Return `text` rendered and cleaned, "" for none; still to be escaped for HTML."""
        return untrusted.rendered(text, self.lang, self.extra) if text is not None else ""

    def stage(self, name: str) -> str:
        """Return a stage of the pipeline in words, or its own name if it has none."""
        return self(STAGES[name]) if name in STAGES else untrusted.one_line(name, limit=limits.CODE)


def number(value: float) -> int | float:
    """Return points as they are written: at most two decimals, none if there are none."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded
