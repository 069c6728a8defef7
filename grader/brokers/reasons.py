"""All reason codes: those that belong to no system, and those of every room."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from grader.brokers.registry import rooms
from grader.model.reasons import GENERAL, Reason


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
