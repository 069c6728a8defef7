"""Order by key: one partition a key, ascending in it, and effects in the same order."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

from grader.model.text import msg
from grader.oracles.violation import Violation, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grader.model.streams import Read

Seq = TypeVar("Seq", int, float, str)


def scattered(records: Iterable[Read], *, keys: Iterable[bytes], spread: int = 2) -> Violation | None:
    """Judge that the records of each key lie in one partition, and that the keys use at least `spread` partitions."""
    places: dict[bytes, set[int]] = {key: set() for key in keys}
    for record in records:
        if record.key in places:
            places[record.key].add(record.partition)
    missing = tuple(_shown(key) for key, found in places.items() if not found)
    if missing:
        return Violation(
            code="key-missing",
            subjects=missing,
            expected=msg("each record has the key that the contract gives it"),
            observed=msg("no record has these keys: %(keys)s", keys=listed(missing)),
        )
    split = tuple(_shown(key) for key, found in places.items() if len(found) > 1)
    used = set().union(*places.values())
    if split:
        return Violation(
            code="key-in-several-partitions",
            subjects=split,
            expected=msg("all records of a key are in one partition"),
            observed=msg("in several partitions: %(keys)s", keys=listed(split)),
        )
    if len(used) < spread:
        return Violation(
            code="partitions-unused",
            subjects=(),
            expected=msg("%(n)s keys use at least %(spread)s partitions", n=len(places), spread=spread),
            observed=msg("only these are used: %(partitions)s", partitions=listed(map(str, sorted(used)))),
        )
    return None


def disordered(sequences: Mapping[str, Iterable[Seq]]) -> Violation | None:
    """Judge that what each key did, in the order in which it was done, ascends; a repeat of the last one is none.

    sequences: key -> sequence numbers as they arrived.
    """
    wrong: dict[str, str] = {}
    for key, numbers in sequences.items():
        for before, after in itertools.pairwise(numbers):
            if after < before:
                wrong[key] = f"{key}: {before} → {after}"
                break
    if not wrong:
        return None
    return Violation(
        code="order-broken",
        subjects=tuple(wrong),
        expected=msg("the events of a key are processed in their order"),
        observed=msg("out of order: %(keys)s", keys=listed(wrong.values())),
    )


def _shown(key: bytes) -> str:
    return key.decode("utf-8", "backslashreplace")
