"""Distributions beside the grader that bring a room: their entry points in the group `grader.brokers`."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "grader.brokers"


class Installed(NamedTuple):
    """An entry point: the distribution that it is of, and what it names ("module:BROKER")."""

    distribution: str
    entry: EntryPoint

    def folder(self) -> Path | None:
        """Return the folder of the package that it names, or that it names a module of; None where there is none.

        What lies beside a single module is anybody's.
        """
        try:
            found = importlib.util.find_spec(self.entry.module)
        except Exception:  # whatever a package of somebody else's raises when it is imported: who loads it says so
            return None
        return Path(found.origin).parent if found and found.origin and found.parent else None


@functools.cache
def packages() -> tuple[Installed, ...]:
    """Return them in the order of their names."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes its time, and few ask

    found = entry_points(group=GROUP)
    named = {(entry.dist.name if entry.dist else "?", entry.name): entry for entry in found}
    return tuple(Installed(distribution, entry) for (distribution, _), entry in sorted(named.items()))
