"""The grade of one submission and everything a report is written from."""

from __future__ import annotations

from typing import Literal

import msgspec

from grader.model.assignment import Assignment
from grader.model.findings import Finding
from grader.model.outcome import Outcome

Status = Literal["final", "provisional", "rejected"]


class ResolvedImage(msgspec.Struct, frozen=True, kw_only=True):
    """Which image stands behind a name that a submission wrote.

    name: as written, normalised ("rabbitmq:3-management"). reference: what the engine is told (a digest or a local
    equivalent). digest: of the upstream image, "" for an equivalent. equivalent: built here from packages.
    differs: what the equivalent is known not to have ("apk"), a reason to mark a failed build provisional.
    version: the equivalent's real version ("3.10.8" behind "rabbitmq:3-management"), "" for a pulled image.
    """

    name: str
    reference: str
    digest: str = ""
    equivalent: bool = False
    differs: tuple[str, ...] = ()
    version: str = ""


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """Points and status. score, max_score: core + robust (max 100); bonus stands apart."""

    status: Status
    score: int
    max_score: int
    bonus: int
    max_bonus: int
    points: dict[str, int]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known after grading: what `result.json` and the report are written from."""

    assignment: Assignment
    submission: str
    grade: Grade
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]
    stages: dict[str, float]
    images: tuple[ResolvedImage, ...]
    versions: dict[str, str]
    seed: int
    started_at: str
    errors: tuple[str, ...] = ()
