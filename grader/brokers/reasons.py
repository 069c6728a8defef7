"""All reason codes: those that belong to no system, those of every room, and those that an assignment says itself."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from grader.brokers.registry import rooms
from grader.model.reasons import GENERAL, Reason, told_by

if TYPE_CHECKING:
    from pathlib import Path


class _Reasons(Mapping[str, Reason]):
    """Reads the rooms when it is asked first: to import this costs nothing."""

    @functools.cached_property
    def _all(self) -> dict[str, Reason]:
        return {
            **GENERAL,
            **{code: reason for room in rooms().values() for code, reason in room.broker.reasons.items()},
        }

    def __getitem__(self, code: str) -> Reason:
        return self._all[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


REASONS: Mapping[str, Reason] = _Reasons()


@functools.lru_cache(maxsize=64)
def reasons_for(assignment: Path | None) -> Mapping[str, Reason]:
    """Return all reasons that the checks of an assignment can have, given its folder: its own and those of all."""
    return {**REASONS, **told_by(assignment, REASONS)} if assignment else REASONS


def reason_of(code: str, assignment: Path | None = None) -> Reason | None:
    """Return what is told of a code, None where nobody tells anything."""
    return reasons_for(assignment).get(code)
