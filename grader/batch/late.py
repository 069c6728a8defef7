"""What handing in late costs: a pure function of the deadline, the policy and one entry."""

from __future__ import annotations

import datetime
import math
import re
from typing import TYPE_CHECKING, Literal

import msgspec

from grader.errors import UsageError
from grader.model.classroom import Adjustment
from grader.model.text import msg

if TYPE_CHECKING:
    from grader.model.classroom import Entry

_PENALTY = re.compile(
    r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*(?:(?:/|per)\s*(hour|hora|day|día|dia|week|semana)|(once))\s*", re.IGNORECASE
)
_UNITS = {"hour": 1, "hora": 1, "day": 24, "día": 24, "dia": 24, "week": 168, "semana": 168}
_GRACE = re.compile(r"\s*(\d+)\s*(m|min|h|d)\s*", re.IGNORECASE)
_MINUTES = {"m": 1, "min": 1, "h": 60, "d": 1440}


class LatePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When the work is due and what it costs to be late; what is not said costs nothing.

    due: ISO 8601 with an offset. penalty: points, or percent of the score, for each period begun. hours: a period's
    length, 0 for once. grace_min: minutes that cost nothing. most: no more points or percent than this.
    """

    due: str = ""
    penalty: float = 0.0
    unit: Literal["%", "points"] = "%"
    hours: int = 24
    grace_min: int = 0
    most: float = 100.0


def policy(due: str, penalty: str, grace: str, most: float) -> LatePolicy:
    """Read the options of the command line. Raises UsageError that shows how to write what is wrong."""
    made = LatePolicy(due=_moment(due).isoformat() if due else "", grace_min=_minutes(grace), most=most)
    if not penalty:
        return made
    found = _PENALTY.fullmatch(penalty)
    if found is None:
        raise UsageError(
            msg("%(text)s is no penalty; write it like 10%%/day, 5/hour or 20%% once.", text=repr(penalty[:60]))
        )
    amount, percent, period, _once = found.groups()
    return msgspec.structs.replace(
        made,
        penalty=float(amount),
        unit="%" if percent else "points",
        hours=_UNITS[period.lower()] if period else 0,
    )


def adjustment(entry: Entry, score: float, policy: LatePolicy) -> Adjustment | None:
    """Return what being late takes from `score` (points below 0), None if nothing.

    An entry that its platform marks as late without saying when it came is late by one period.
    """
    hours = _late_by(entry, policy)
    if hours is None or not policy.penalty:
        return None
    periods = max(1, math.ceil(hours / policy.hours)) if policy.hours else 1
    amount = min(policy.most, policy.penalty * periods)
    points = score * amount / 100 if policy.unit == "%" else amount
    points = round(min(score, points), 2)
    why = msg("late by %(hours)s h", hours=round(hours, 1)) if hours else msg("marked as late where it was handed in")
    return Adjustment(kind="late", points=-points, why=why) if points else None


def _late_by(entry: Entry, policy: LatePolicy) -> float | None:
    """Return the hours between deadline and entry, 0 if only the platform's mark is known, None if in time."""
    if policy.due and entry.submitted_at:
        came = _moment(entry.submitted_at)
        over = (came - _moment(policy.due)).total_seconds() / 3600
        return over if over * 60 > policy.grace_min else None
    return 0.0 if entry.late else None


def _moment(text: str) -> datetime.datetime:
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(
            msg("%(text)s is no date; write it like 2026-11-30T23:59+01:00.", text=repr(text[:60]))
        ) from error
    return found if found.tzinfo else found.astimezone()


def _minutes(text: str) -> int:
    if not text:
        return 0
    found = _GRACE.fullmatch(text)
    if found is None:
        raise UsageError(msg("%(text)s is no time; write it like 15m, 2h or 1d.", text=repr(text[:60])))
    return int(found[1]) * _MINUTES[found[2].lower()]
