"""A class: who handed in what, what became of it, and the gradebook made from both."""

from __future__ import annotations

from typing import Literal

import msgspec

from grader.model.assignment import Assignment
from grader.model.grade import Status
from grader.model.outcome import Verdict
from grader.model.text import Text

State = Status | Literal["missing", "excused"]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt that one student handed in.

    student: stable within the class, also the name of the folder for reports (a file name without separators).
    source: an absolute path or an https address; "" when the roster names a student who handed nothing in.
    submitted_at: ISO 8601 with its offset, "" when the platform does not say. late: the platform's own mark.
    ids: the platforms' ids of this student ("moodle", "canvas", "blackboard", "gradescope", "github"), for their import
    files; "folder" is what the student's folder is called in a class that came from no platform.
    """

    student: str
    name: str = ""
    email: str = ""
    source: str = ""
    attempt: int = 1
    submitted_at: str = ""
    late: bool = False
    ids: dict[str, str] = {}


class ClassList(msgspec.Struct, frozen=True, kw_only=True):
    """A class as it was found: every attempt in the class's order, and what could not be understood.

    form: how it was handed in ("folder", "github", "moodle", "canvas", "blackboard", "gradescope", "roster").
    """

    form: str
    entries: tuple[Entry, ...]
    notices: tuple[Text, ...] = ()


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one check: its verdict, reason code ("" when passed), points and seconds."""

    verdict: Verdict
    reason: str = ""
    points: int = 0
    seconds: float = 0.0


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What statistics and gradebooks need of a Result; small, so that a class of thousands fits in memory.

    checks: by id. failure: the code of the finding that kept all checks from running ("" when they ran).
    seconds: wall time of the grading. errors: how many errors of ours it met. tries: gradings it took.
    """

    status: Status
    score: int
    max_score: int
    bonus: int = 0
    max_bonus: int = 0
    checks: dict[str, Mark] = {}
    failure: str = ""
    started_at: str = ""
    seconds: float = 0.0
    errors: int = 0
    tries: int = 1
    host: str = ""
    seed: int = 0


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of the score that no check made. kind: "late" (the late policy) or "override" (the instructor's)."""

    kind: Literal["late", "override"]
    points: float
    why: Text


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One student in the gradebook, with the attempt that counts.

    summary: None when nothing was graded (missing, or not yet). score: after all adjustments, never below 0.
    attempts: how many were handed in. report: path of the student's page, relative to the output folder, "" if none.
    comment: the instructor's. overridden: the instructor changed something in this row.
    """

    entry: Entry
    state: State
    summary: Summary | None = None
    score: float = 0.0
    attempts: int = 1
    adjustments: tuple[Adjustment, ...] = ()
    comment: str = ""
    overridden: bool = False
    report: str = ""


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """Two submissions that are nearly the same; share: of their contents, 0 to 1. A hint, never a verdict."""

    students: tuple[str, str]
    share: float


class Gradebook(msgspec.Struct, frozen=True, kw_only=True):
    """A class's grades as they stand. made_at: ISO 8601, UTC."""

    assignment: Assignment
    rows: tuple[Row, ...]
    made_at: str
    notices: tuple[Text, ...] = ()
    similar: tuple[Similar, ...] = ()
