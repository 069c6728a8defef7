"""Consumer groups: whether the partitions of a topic are shared out, each to one member, to containers enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.oracles.violation import Violation, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.model.streams import GroupState

STABLE = "Stable"


def holders(group: GroupState, topic: str) -> dict[str, frozenset[int]]:
    """Return container -> the partitions of `topic` that its members hold, idle ones too."""
    found: dict[str, frozenset[int]] = {}
    for member in group.members:
        actor = member.actor or member.client_id
        found[actor] = found.get(actor, frozenset()) | member.of(topic)
    return found


def settled(group: GroupState, topic: str, partitions: Iterable[int], *, containers: int = 1) -> bool:
    """Say whether a classic group is at rest with members in that many containers, and holds all partitions."""
    return group.state == STABLE and uncovered(group, topic, partitions, containers=containers) is None


def uncovered(group: GroupState, topic: str, partitions: Iterable[int], *, containers: int = 1) -> Violation | None:
    """Judge that each partition belongs to exactly one member, and that members are in that many containers.

    The members of a group of another protocol than the classic one cannot be seen: of it this says nothing.
    """
    if group.protocol not in {"", "classic"}:
        return None
    everything = sorted(partitions)
    held = holders(group, topic)
    if not held:
        return Violation(
            code="group-without-members",
            subjects=(),
            expected=msg("the group has members"),
            observed=msg("it has none (%(state)s)", state=group.state or "-"),
        )
    if len(held) < containers:
        return Violation(
            code="events-not-shared",
            subjects=tuple(sorted(held)),
            expected=msg("members of the group in %(n)s containers", n=containers),
            observed=msg("members in: %(names)s", names=listed(sorted(held))),
        )
    owners = {p: [m for m in group.members if p in m.of(topic)] for p in everything}
    wrong = tuple(f"{topic}-{p}" for p in everything if len(owners[p]) != 1)
    if wrong:
        return Violation(
            code="partitions-unowned",
            subjects=wrong,
            expected=msg("each partition belongs to one member"),
            observed=msg(
                "no owner, or several: %(partitions)s",
                partitions=listed(f"{topic}-{p}: {len(owners[p])}" for p in everything if len(owners[p]) != 1),
            ),
        )
    return None
