"""A service after it was judged: what Compose will be told of it, and where it was written."""

from __future__ import annotations

from typing import Any

import msgspec

from grader.model.plan import Build


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A judged service.

    emitted: for Compose, with `healthcheck` still in seconds. lines: attribute ("depends_on.redis") -> line.
    fixed_port_line: of a port of the host that only one container can have (0: none). images: names that it or its
    build needs.
    """

    name: str
    line: int
    emitted: dict[str, Any]
    replicas: int
    lines: dict[str, int]
    replicas_written: bool = False
    container_name: str = ""
    fixed_port_line: int = 0
    profiles: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    build: Build | None = None

    def place(self, attribute: str) -> int:
        """Return the line of an attribute, or of the service where it has none."""
        return self.lines.get(attribute, self.line)
