"""Classroom 50's `result.json`: whole numbers, and what the platform's runner says of the submission.

Students can read the release that it becomes, so it holds what a student may see. The runner itself stamps the owner
and the kind of assignment. There is no word for a provisional grade: nothing is written then, and the exit code 3
leaves the release as it was. Bonus points are left out, since a test's points are part of the total.
"""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from grader import untrusted
from grader.errors import UsageError
from grader.exports import result_json
from grader.exports.shown import shown
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.presentation.audience import Redacted

NEEDED: Final = ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL")
_TAG: Final = re.compile(r"submit/.+", re.DOTALL)


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What the runner says of the submission (its environment). kind: "individual" or "group"."""

    classroom: str
    assignment: str
    tag: str
    commit: str
    release: str
    review: str
    owner: str = ""
    kind: Literal["individual", "group"] = "individual"


class Test(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """One check."""

    test_name: str
    passed: bool
    score: int
    max_score: int


class Document(msgspec.Struct, frozen=True, kw_only=True, rename={"schema_": "schema", "max_score": "max-score"}):
    """The file; `datetime` in UTC."""

    schema_: Literal["classroom50/result/v1"]
    classroom: str
    assignment: str
    assignment_type: Literal["individual", "group"]
    owner: str
    submission: str
    commit: str
    release: str
    review: str
    datetime: str
    score: int
    max_score: int
    tests: tuple[Test, ...]


def submission(environ: Mapping[str, str]) -> Submission:
    """Return what the platform's environment says. Raises UsageError that names what is missing or wrong."""
    missing = [name for name in NEEDED if not environ.get(name)]
    if missing:
        raise UsageError(
            msg(
                "The format classroom50 needs %(names)s in the environment; Classroom 50's runner sets them.",
                names=", ".join(missing),
            )
        )
    if not _TAG.fullmatch(environ["SUBMISSION_TAG"]):
        raise UsageError(msg("SUBMISSION_TAG must begin with submit/, not %(tag)s", tag=environ["SUBMISSION_TAG"]))
    return Submission(
        classroom=environ["CLASSROOM"],
        assignment=environ["ASSIGNMENT"],
        tag=environ["SUBMISSION_TAG"],
        commit=environ["COMMIT_URL"],
        release=environ["RELEASE_URL"],
        review=environ.get("REVIEW_URL") or environ["COMMIT_URL"],
        owner=environ.get("OWNER", ""),
        kind="group" if environ.get("ASSIGNMENT_TYPE") == "group" else "individual",
    )


def text(result: Redacted, of: Submission, *, lang: str) -> bytes | None:
    """Return the file, None for a provisional grade."""
    if result.grade.status == "provisional":
        return None
    document = shown(result, lang).document
    return (
        result_json.encode(
            Document(
                schema_="classroom50/result/v1",
                classroom=untrusted.one_line(of.classroom),
                assignment=untrusted.one_line(of.assignment),
                assignment_type=of.kind,
                owner=untrusted.one_line(of.owner),
                submission=untrusted.one_line(of.tag),
                commit=untrusted.one_line(of.commit),
                release=untrusted.one_line(of.release),
                review=untrusted.one_line(of.review),
                datetime=_utc(document.started_at),
                score=document.score,
                max_score=document.max_score,
                tests=tuple(
                    Test(
                        test_name=f"{c.id}: {c.title}",
                        passed=c.outcome == "passed",
                        score=c.points,
                        max_score=c.max_points,
                    )
                    for c in document.checks
                    if c.level != "bonus"
                ),
            )
        )
        + b"\n"
    )


def _utc(moment: str) -> str:
    try:
        at = datetime.datetime.fromisoformat(moment)
    except ValueError:  # a result that was made by hand
        at = datetime.datetime.now(datetime.UTC)
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
