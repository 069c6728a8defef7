"""What travels to a worker and what comes back: plain data, by content, never by a path of another machine."""

from __future__ import annotations

from typing import Literal

import msgspec

from grader.model.assignment import Weight
from grader.model.findings import Finding
from grader.model.grade import Result


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What all gradings of a batch have in common; a worker whose digests differ takes no work.

    batch: which run of the command this is, so that it can end its own gradings and no others.
    grader, rubric: digests (grader.digests) of the package and of the assignment. images: where images come from.
    named: the images that the submissions need. among: other machines grade too, so one has to have what most need.
    """

    batch: str
    assignment: str
    grader: str
    rubric: str
    weight: Weight
    images: Literal["auto", "pull", "equivalent"] = "auto"
    named: tuple[str, ...] = ()
    among: bool = False
    deadline_s: float = 3600.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One submission to be graded: its clean copy as grader.batch.content packs it, and what intake remarked."""

    terms: Terms
    content: str
    name: str
    data: bytes
    findings: tuple[Finding, ...] = ()
    seed: int | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker sends back. lost: the process that graded died without a result (output: its last words).

    stood_s: how long it stood still while it graded (the machine slept, say); then there is no result either.
    """

    result: Result | None
    host: str
    seconds: float
    lost: bool = False
    stood_s: float = 0.0
    output: str = ""
