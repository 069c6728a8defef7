"""Gradescope's `results.json`: a test a check, read by the student, so always what a student may see.

One test with the visibility "hidden" would hide the student's total, so no test is: a hidden check shows its title and
whether it passed. A provisional grade has no score at all, neither a total nor in a test: Gradescope then says that the
autograder failed, and nobody takes the points for a grade. Bonus points are apart (`extra_data`), for Gradescope's
total would take them in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from grader.exports import result_json
from grader.exports.shown import BONUS, Shown, place, shown, text_of
from grader.presentation import limits
from grader.presentation.words import STATUS_MEANINGS, STATUSES, VERDICTS

if TYPE_CHECKING:
    from grader.exports.result_json import CheckEntry
    from grader.presentation.audience import Redacted


class Test(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the student's page."""

    name: str
    number: str
    output: str = ""
    score: int | None = None
    max_score: int | None = None
    status: Literal["passed", "failed"] | None = None
    name_format: Literal["text"]
    output_format: Literal["text"]
    tags: tuple[str, ...] = ()
    visibility: Literal["visible"]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    score: int | msgspec.UnsetType
    output: str
    output_format: Literal["text"]
    test_output_format: Literal["text"]
    test_name_format: Literal["text"]
    visibility: Literal["visible"]
    stdout_visibility: Literal["hidden"]
    extra_data: dict[str, Any]
    tests: tuple[Test, ...]


def text(result: Redacted, *, lang: str) -> bytes:
    """Return the file."""
    seen = shown(result, lang)
    document = seen.document
    settled = document.status != "provisional"
    results = Results(
        score=document.score if settled else msgspec.UNSET,
        output=summary(seen),
        output_format="text",
        test_output_format="text",
        test_name_format="text",
        visibility="visible",
        stdout_visibility="hidden",
        extra_data={
            "status": document.status,
            "bonus": document.bonus,
            "max_bonus": document.max_bonus,
            "assignment": document.assignment,
            "assignment_version": document.assignment_version,
            "seed": document.seed,
        },
        tests=tuple(_test(seen, check, number, settled=settled) for number, check in enumerate(document.checks, 1)),
    )
    return result_json.encode(results) + b"\n"


def summary(seen: Shown) -> str:
    """Return what stands above the tests as plain text: the status and the findings."""
    document = seen.document
    lines = [seen.say(STATUSES[document.status]), seen.say(STATUS_MEANINGS[document.status]), *document.errors]
    if document.max_bonus:
        lines.append(f"{seen.say(BONUS)}: {document.bonus} / {document.max_bonus}")
    lines += [
        f"{place(f)}: {text_of(f)}" if f.file else text_of(f) for f in document.findings[: limits.GRADESCOPE_FINDINGS]
    ]
    return "\n".join(lines)


def _test(seen: Shown, check: CheckEntry, number: int, *, settled: bool) -> Test:
    counts = settled and check.level != "bonus"
    words = [seen.say(VERDICTS[check.outcome])] if check.outcome != "passed" else []
    told = seen.told(check)[: limits.GRADESCOPE_TEXT]
    return Test(
        name=f"{check.title} ({seen.say(BONUS)})" if check.level == "bonus" else check.title,
        number=str(number),
        output="\n".join((*words, *([told] if told else []))),
        score=check.points if counts else None,
        max_score=check.max_points if counts else None,
        status=None if check.outcome == "error" else "passed" if check.outcome == "passed" else "failed",
        name_format="text",
        output_format="text",
        visibility="visible",
        tags=(check.id, check.level),
    )
