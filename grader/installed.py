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
        """Return the folder in which the package lies that it names, None where there is none."""
        try:
            found = importlib.util.find_spec(self.entry.module)
        except ImportError:
            return None
        return Path(found.origin).parent if found and found.origin else None


@functools.cache
def packages() -> tuple[Installed, ...]:
    """Return them in the order of their names."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes its time, and few ask

    found = entry_points(group=GROUP)
    named = {(entry.dist.name if entry.dist else "?", entry.name): entry for entry in found}
    return tuple(Installed(distribution, entry) for (distribution, _), entry in sorted(named.items()))
