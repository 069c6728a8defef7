"""What the probes of Redis and PostgreSQL saw: plain values that oracles judge."""

from __future__ import annotations

from typing import Literal

import msgspec

Effect = Literal["", "read", "write"]  # what a statement does to data


class Ttl(msgspec.Struct, frozen=True):
    """A key's time to live, read between two looks at the grader's clock (seconds since the stack's start).

    ms: milliseconds left; -1: the key never expires, -2: there is no such key.
    """

    ms: int
    before: float
    after: float


class Statement(msgspec.Struct, frozen=True):
    """A statement that PostgreSQL has logged.

    at: seconds since the stack's start. actor: the container that sent it ("" if unknown). text: the statement, of
    several lines perhaps. detail: the parameters that the log names, "" without any. effect: what it does to data;
    whatever is not understood counts as a read.
    """

    at: float
    actor: str
    text: str
    detail: str = ""
    effect: Effect = "read"

    def line(self) -> str:
        """Return it on one line for a report."""
        text = " ".join(self.text.split())
        detail = f"  ({' '.join(self.detail.split())})" if self.detail else ""
        return f"{self.actor or '?'}: {text}{detail}"


class Backend(msgspec.Struct, frozen=True):
    """A connection of PostgreSQL that waits for a lock: its process, the container behind it, its statement."""

    pid: int
    actor: str
    query: str
