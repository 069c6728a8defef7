"""What the firehose records, and how a timeline draws it."""

from __future__ import annotations

from typing import Any

from grader.brokers.source import Kind, Source
from grader.model.text import Text, msg

MOST = 5  # names of a list that are shown


def _listed(names: Any) -> str:
    return ", ".join(str(name) for name in (names if isinstance(names, list) else [names])[:MOST])


def _mode(value: Any) -> Text | str:
    if not isinstance(value, int):
        return f"delivery_mode={value}"
    return msg("persistent") if value == 2 else msg("transient")


SOURCE = Source(
    glyph="✉",
    kinds={
        "observing": Kind(msg("we watch %(actor)s from here on"), msg("we watch the broker from here on")),
        "observing-ended": Kind(msg("we do not see %(actor)s any more"), msg("we do not see the broker any more")),
        "published": Kind(msg("published by %(actor)s:"), msg("published:")),
        "delivered": Kind(msg("delivered to %(actor)s:"), msg("delivered:")),
        "stored": Kind(msg("lies in the queue of %(actor)s:"), msg("lies in the queue:")),
        "queue-gone": Kind(msg("a queue of %(actor)s was deleted:"), msg("a queue was deleted:")),
    },
    details={
        "exchange": lambda name: msg("exchange %(name)s", name=str(name)),
        "queue": lambda name: msg("queue %(name)s", name=str(name)),
        "queues": lambda names: msg("into %(names)s", names=_listed(names)),
        "routing_keys": lambda names: msg("key %(name)s", name=_listed(names)),
        "delivery_mode": _mode,
        "redelivered": lambda again: msg("delivered again") if again else "",
        "why": lambda why: "" if why == "away" else f"why={why}",
    },
    hidden=("epoch", "digest", "fields", "body"),
    unseen=("mark",),
)
