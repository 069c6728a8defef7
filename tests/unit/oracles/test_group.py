"""Oracles of consumer groups, offsets and order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.model.streams import GroupState, Member, Read
from grader.oracles import group, offsets, ordering

if TYPE_CHECKING:
    from grader.oracles.violation import Violation


def member(actor: str, *partitions: int, topic: str = "t") -> Member:
    return Member(
        id=f"m-{actor}-{partitions}", client_id="c", actor=actor, partitions=frozenset((topic, p) for p in partitions)
    )


def stable(*members: Member, state: str = "Stable", protocol: str = "classic") -> GroupState:
    return GroupState(state, protocol, members)


def code(violation: Violation | None) -> str | None:
    return violation.code if violation else None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (stable(member("p-1", 0), member("p-2", 1), member("p-3", 2)), None),
        (stable(member("p-1", 0), member("p-2", 1), member("p-3", 2), member("p-4")), None),
        (stable(member("p-1", 0), member("p-1", 1), member("p-2", 2), member("p-3")), None),
        (stable(), "group-without-members"),
        (GroupState("Dead"), "group-without-members"),
        (GroupState("Stable", "consumer"), None),
        (stable(member("p-1", 0, 1), member("p-2", 2)), "events-not-shared"),
        (stable(member("p-1", 0), member("p-2", 1), member("p-3")), "partitions-unowned"),
        (stable(member("p-1", 0), member("p-2", 0, 1), member("p-3", 2)), "partitions-unowned"),
        (stable(member("p-1", 0), member("p-2", 1), member("p-3", 2, topic="x")), "partitions-unowned"),
    ],
)
def test_a_group_shares_the_partitions(state: GroupState, expected: str | None) -> None:
    """Each has one member, and each container some."""
    assert code(group.uncovered(state, "t", range(3), containers=3)) == expected


def test_a_group_in_a_rebalance_is_not_settled() -> None:
    """What it has then may change at once."""
    members = (member("p-1", 0), member("p-2", 1))
    assert group.settled(stable(*members), "t", range(2), containers=2)
    assert not group.settled(stable(*members, state="PreparingRebalance"), "t", range(2))


PLACES = {"a": (0, 0), "b": (0, 1), "c": (1, 0)}


@pytest.mark.parametrize(
    ("committed", "done", "lost"),
    [
        ({}, set(), None),
        ({0: 1}, {"a"}, None),
        ({0: 0}, {"a", "b"}, None),
        ({0: 1}, set(), ("a",)),
        ({0: 2, 1: 1}, {"b"}, ("a", "c")),
    ],
)
def test_a_commit_must_not_pass_an_effect(
    committed: dict[int, int], done: set[str], lost: tuple[str, ...] | None
) -> None:
    """An offset that is committed says that everything before it was done."""
    violation = offsets.passed(committed, PLACES, done)
    assert (violation.subjects if violation else None) == lost


def test_lag_and_repeats() -> None:
    """What was not committed, and what was committed back."""
    begin, end = {0: 0, 1: 5}, {0: 3, 1: 6}
    assert offsets.behind(begin, end, {}) == {0: 3, 1: 1}
    assert offsets.behind(begin, end, {0: 3, 1: 6}) == {}
    assert code(offsets.lagging(begin, end, {0: 3})) == "progress-not-committed"
    assert offsets.lagging(begin, end, {0: 3, 1: 6}) is None
    assert offsets.repeats_allowed({0: 1}, PLACES, {"a", "b", "c"}) == {"b", "c"}


def read(key: bytes | None, partition: int, offset: int = 0) -> Read:
    return Read(partition, offset, key, b"", 0.0)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([read(b"a", 0), read(b"a", 0, 1), read(b"b", 1), read(None, 2)], None),
        ([read(b"a", 0), read(b"a", 1), read(b"b", 1)], "key-in-several-partitions"),
        ([read(b"a", 0), read(b"b", 0)], "partitions-unused"),
        ([read(b"a", 0), read(None, 1)], "key-missing"),
    ],
)
def test_the_records_of_a_key_lie_together(records: list[Read], expected: str | None) -> None:
    """A key in two partitions has no order."""
    assert code(ordering.scattered(records, keys=[b"a", b"b"])) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"), [([1, 2, 3], None), ([1, 1, 2], None), ([], None), ([2, 1], "order-broken")]
)
def test_a_key_keeps_its_order(numbers: list[int], expected: str | None) -> None:
    """Repeats are allowed, going back is not."""
    assert code(ordering.disordered({"a": [1, 2], "b": numbers})) == expected
