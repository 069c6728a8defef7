"""What changed since the last attempt, check by check: a comparison of two results' documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from grader.model.text import Text, msg

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.grade import Result

How = Literal["fixed", "broken", "other-reason"]
WORDS: dict[How, Text] = {
    "fixed": msg("now passes"),
    "broken": msg("no longer passes"),
    "other-reason": msg("fails for another reason than before"),
}
MAX_BYTES = 20_000_000


class _Check(msgspec.Struct, frozen=True):
    id: str
    outcome: str
    reason: str = ""


class _Before(msgspec.Struct, frozen=True):
    assignment: str
    checks: tuple[_Check, ...]


class Change(NamedTuple):
    """One check that is not as it was."""

    check: str
    how: How


# of each check its verdict and reason; "" where a reader did not get to know it
Attempt = dict[str, tuple[str, str]]


def before(file: Path, assignment: str) -> Attempt | None:
    """Return the verdict and reason of each check in an earlier `result.json`; None if there is none."""
    try:
        if file.stat().st_size > MAX_BYTES:
            return None
        found = msgspec.json.decode(file.read_bytes(), type=_Before)
    except (OSError, msgspec.DecodeError):
        return None
    return {c.id: (c.outcome, c.reason) for c in found.checks} if found.assignment == assignment else None


def of_result(result: Result) -> Attempt:
    """Return a result as the next one's `before`."""
    return {o.check: (o.verdict, o.reason) for o in result.outcomes}


def changes(earlier: Attempt | None, result: Result) -> tuple[Change, ...] | None:
    """Return what is not as it was, what was fixed first; None without an earlier attempt."""
    if earlier is None:
        return None
    found = []
    for outcome in result.outcomes:
        verdict, reason = earlier.get(outcome.check, ("", ""))
        if not verdict or "error" in {verdict, outcome.verdict}:
            continue
        if verdict != "passed" and outcome.verdict == "passed":
            found.append(Change(outcome.check, "fixed"))
        elif verdict == "passed" and outcome.verdict == "failed":
            found.append(Change(outcome.check, "broken"))
        elif outcome.verdict == verdict == "failed" and reason and outcome.reason not in {"", reason}:
            found.append(Change(outcome.check, "other-reason"))
    order: list[How] = ["fixed", "broken", "other-reason"]
    return tuple(sorted(found, key=lambda c: order.index(c.how)))
