"""What identifies an AMQP message: its id where the body has one, otherwise a digest of its bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

BODY_SHOWN = 300


def subject_of(body: bytes) -> str:
    """Return the `id` of a JSON object's body, or "sha256:<first 16 hex digits>" of anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and isinstance(value.get("id"), str) and value["id"]:
        return str(value["id"])
    return "sha256:" + digest(body)


def digest(body: bytes) -> str:
    """Return the first 16 hexadecimal digits of the body's SHA-256."""
    return hashlib.sha256(body).hexdigest()[:16]


def fields(body: bytes) -> dict[str, Any]:
    """Return the body's JSON object, or an empty dict when it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def shown(body: bytes) -> str:
    """Return the body as text for a report, capped."""
    text = body[: BODY_SHOWN + 1].decode("utf-8", "backslashreplace")
    return text[:BODY_SHOWN] + ("…" if len(text) > BODY_SHOWN else "")
