"""What `autograding-grading-reporter` reads: environment variables with JSON in base64, `CHECK1_RESULTS=…`.

One runner a check: the reporter computes a runner's points in two ways, of which one ignores the tests' scores, and
both agree only when a runner has a single test. Bonus checks are left out, since they would raise the total, and a
failed one would fail the job. The lines are for `$GITHUB_ENV`, from where every later step of the job has them.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from grader.exports import result_json
from grader.exports.shown import Shown, shown
from grader.presentation import limits
from grader.presentation.words import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.exports.result_json import CheckEntry
    from grader.presentation.audience import Redacted

VERSION: Final = 1  # of the command grader
_STATUS: Final[dict[str, Literal["pass", "fail", "error"]]] = {"passed": "pass", "error": "error"}


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """The one test of a runner. line_no 0 hides the place; duration: seconds."""

    name: str
    status: Literal["pass", "fail", "error"]
    score: int
    message: str
    test_code: str
    filename: str
    line_no: int
    duration: float


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """The results of one runner."""

    version: int
    status: Literal["pass", "fail", "error"]
    max_score: int
    tests: tuple[Test, ...]


def text(result: Redacted, *, lang: str) -> bytes:
    """Return the lines."""
    seen = shown(result, lang)
    counted = _counted(seen.document.checks)
    return b"".join(
        f"{name.upper()}_RESULTS=".encode() + base64.b64encode(result_json.encode(_runner(seen, check))) + b"\n"
        for name, check in zip(_names(len(counted)), counted, strict=True)
    )


def outputs(result: Redacted) -> bytes:
    """Return lines for `$GITHUB_OUTPUT`: score, max-score, status, and the reporter's input `runners`."""
    grade = result.grade
    runners = ",".join(_names(sum(spec.level != "bonus" for spec in result.assignment.checks)))
    lines = (f"score={grade.score}", f"max-score={grade.max_score}", f"status={grade.status}", f"runners={runners}")
    return "".join(f"{line}\n" for line in lines).encode()


def _counted(checks: Sequence[CheckEntry]) -> list[CheckEntry]:
    return [check for check in checks if check.level != "bonus"]


def _names(count: int) -> list[str]:
    return [f"check{number}" for number in range(1, count + 1)]


def _runner(seen: Shown, check: CheckEntry) -> Runner:
    status = _STATUS.get(check.outcome, "fail")
    told = seen.told(check) or (seen.say(VERDICTS[check.outcome]) if status != "pass" else "")
    test = Test(
        name=check.title,
        status=status,
        score=check.points,
        message=told[: limits.AUTOGRADING_TEXT],
        test_code=check.id,
        filename="",
        line_no=0,
        duration=check.seconds,
    )
    return Runner(version=VERSION, status=status, max_score=check.max_points, tests=(test,))
