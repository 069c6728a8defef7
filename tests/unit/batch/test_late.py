"""What being late costs."""

from __future__ import annotations

import pytest

from grader.batch.late import LatePolicy, adjustment, policy
from grader.errors import UsageError
from tests.unit.batch.results import entry

DUE = "2026-11-20T23:59:00+01:00"


@pytest.mark.parametrize(
    ("came", "penalty", "grace", "most", "points"),
    [
        ("2026-11-20T23:59:00+01:00", "10%/day", "", 100, 0),
        ("2026-11-20T22:59:01+00:00", "10%/day", "", 100, -8),  # a second late, said in another zone
        ("2026-11-21T00:10:00+01:00", "10%/day", "15m", 100, 0),
        ("2026-11-21T00:15:00+01:00", "10%/day", "15m", 100, -8),  # grace is no extension
        ("2026-11-22T00:00:00+01:00", "10%/day", "", 100, -16),
        ("2026-12-31T00:00:00+01:00", "10%/day", "", 30, -24),
        ("2026-12-31T00:00:00+01:00", "10%/day", "", 100, -80),
        ("2026-11-21T02:00:00+01:00", "5/hour", "", 100, -15),
        ("2026-11-25T00:00:00+01:00", "20% once", "", 100, -16),
        ("2026-11-25T00:00:00+01:00", "", "", 100, 0),
        ("", "10%/day", "", 100, 0),  # nobody knows, so nobody is late
    ],
)
def test_points_lost(came: str, penalty: str, grace: str, most: float, points: float) -> None:
    """By periods begun, after the grace, never more than allowed."""
    found = adjustment(entry("a", submitted_at=came), 80, policy(DUE, penalty, grace, most))
    assert (found.points if found else 0) == points


def test_a_platforms_mark_without_a_time_counts_as_one_period() -> None:
    """Nothing says how late it was."""
    found = adjustment(entry("a", late=True), 80, policy("", "10%/day", "", 100))
    assert found is not None
    assert (found.kind, found.points) == ("late", -8)


def test_a_known_time_is_worth_more_than_a_mark() -> None:
    """The mark may be the platform's own deadline."""
    said = entry("a", late=True, submitted_at="2026-11-20T10:00:00+01:00")
    assert adjustment(said, 80, policy(DUE, "10%/day", "", 100)) is None


def test_nothing_is_taken_from_nothing() -> None:
    """Zero points stay zero."""
    assert adjustment(entry("a", late=True), 0, LatePolicy(penalty=10)) is None


@pytest.mark.parametrize(
    ("due", "penalty", "grace"),
    [
        ("tomorrow", "", ""),
        ("", "ten percent", ""),
        ("", "10%/month", ""),
        ("", "-10%/day", ""),
        ("", "", "15 parsecs"),
    ],
)
def test_what_is_not_understood_is_refused_with_an_example(due: str, penalty: str, grace: str) -> None:
    """Dates, penalties and times."""
    with pytest.raises(UsageError) as refused:
        policy(due, penalty, grace, 100)
    assert "write it like" in refused.value.message.msgid
