"""What the probe of Kafka sees: plain values that oracles judge."""

from __future__ import annotations

import msgspec


class Listener(msgspec.Struct, frozen=True):
    """A listener of a broker: its name ("" where it is not known), and the address that the broker advertises on it."""

    name: str
    host: str
    port: int


class Record(msgspec.Struct, frozen=True):
    """A record to be produced; partition None: by the hash of its key. Key and value cannot both be None."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None


class Placed(msgspec.Struct, frozen=True):
    """Where the broker has stored a record."""

    partition: int
    offset: int


class Read(msgspec.Struct, frozen=True):
    """A record as it lies in a topic; at: its timestamp, seconds since the stack's start."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    at: float


class Member(msgspec.Struct, frozen=True):
    """A member of a consumer group: the container it runs in ("" if unknown) and the partitions given to it."""

    id: str
    client_id: str
    actor: str
    partitions: frozenset[tuple[str, int]] = frozenset()

    def of(self, topic: str) -> frozenset[int]:
        """Return the partitions of one topic."""
        return frozenset(p for name, p in self.partitions if name == topic)


class GroupState(msgspec.Struct, frozen=True):
    """A consumer group at one moment.

    state: the broker's word ("Stable", "PreparingRebalance", "CompletingRebalance", "Empty"; "Dead": there is none).
    protocol: "classic", or the broker's word for another one ("consumer"), whose members cannot be seen from here;
    "" where there is no such group.
    """

    state: str
    protocol: str = ""
    members: tuple[Member, ...] = ()
