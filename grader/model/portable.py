"""Typed data as JSON that can always be written, whatever text a submission put in it."""

from __future__ import annotations

import json

import msgspec


def encode(value: object) -> bytes:
    """Return a struct as JSON; what has no encoding in its texts (lone surrogates) becomes a "?"."""
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode("utf-8", "replace")
