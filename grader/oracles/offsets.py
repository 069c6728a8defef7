"""Committed offsets: what a group has committed must never pass what is done, and must come to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.oracles.violation import Violation, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def passed(
    committed: Mapping[int, int], places: Mapping[str, tuple[int, int]], done: Collection[str]
) -> Violation | None:
    """Find events that are not done although the group's committed offset lies behind them.

    committed: partition -> offset, read before `done` was (an effect may come in between, a commit may not).
    places: id -> (partition, offset). done: the ids whose effect is there.
    """
    lost = tuple(
        subject
        for subject, (partition, offset) in places.items()
        if subject not in done and committed.get(partition, 0) > offset
    )
    if not lost:
        return None
    return Violation(
        code="committed-before-effect",
        subjects=lost,
        expected=msg("an offset is committed after the effect of everything before it"),
        observed=msg(
            "committed without an effect: %(ids)s",
            ids=listed(
                f"{s} (partition {places[s][0]}, offset {places[s][1]}, committed {committed[places[s][0]]})"
                for s in lost
            ),
        ),
    )


def behind(begin: Mapping[int, int], end: Mapping[int, int], committed: Mapping[int, int]) -> dict[int, int]:
    """Return partition -> records behind the committed offset (without a commit, all), of those that have any."""
    lags = {p: end[p] - max(committed.get(p, 0), begin.get(p, 0)) for p in end}
    return {p: lag for p, lag in lags.items() if lag > 0}


def lagging(begin: Mapping[int, int], end: Mapping[int, int], committed: Mapping[int, int]) -> Violation | None:
    """Judge that everything up to the end is committed."""
    lags = behind(begin, end, committed)
    if not lags:
        return None
    return Violation(
        code="progress-not-committed",
        subjects=(),
        expected=msg("the group's lag returns to 0"),
        observed=msg(
            "not committed, by partition: %(lags)s", lags=listed(f"{p}: {lag}" for p, lag in sorted(lags.items()))
        ),
    )


def repeats_allowed(
    committed: Mapping[int, int], places: Mapping[str, tuple[int, int]], done: Collection[str]
) -> frozenset[str]:
    """Return the ids that a consumer killed at this moment may do twice: done, and not committed."""
    return frozenset(
        s for s, (partition, offset) in places.items() if s in done and offset >= committed.get(partition, 0)
    )
