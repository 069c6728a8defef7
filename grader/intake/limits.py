"""How much one submission may cost while it is read."""

from __future__ import annotations

import msgspec

BLOCK = 256 * 1024  # bytes that are read and written at once


class CopyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one submission may hold: number of entries, bytes in all and per file, depth of folders.

    ignored_entries: entries of an archive that are left out (`node_modules`) and so do not count to `entries`.
    read_bytes: what may be unpacked to get at the rest, left-out entries included. seconds: of a processor, for the
    whole copy, since a busy machine must refuse nobody. clone_s: how long a git server may take. patience_s: what no
    machine that works needs; over it is our error.
    """

    entries: int = 5000
    total_bytes: int = 200 * 1024 * 1024
    file_bytes: int = 50 * 1024 * 1024
    depth: int = 20
    ignored_entries: int = 100_000
    read_bytes: int = 1024 * 1024 * 1024
    seconds: float = 60.0
    clone_s: float = 300.0
    patience_s: float = 900.0


LIMITS = CopyLimits()
