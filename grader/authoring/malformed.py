"""Bodies that are no message of a contract, for every broker, each wrong in one way; and right ones that few write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def unreadable(mark: str) -> list[bytes]:
    """Return bodies that are no JSON object: not UTF-8, not JSON, and JSON of other kinds.

    mark: a word of ours in those that can carry one, so that they are told from those of another run.
    """
    return [b"\xff\xfe" + mark.encode(), b"{" + mark.encode(), json.dumps([mark]).encode(), b"null", b"42"]


def incomplete(message: Callable[[], Mapping[str, Any]], wrong: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield objects with one fault each, and the field that has it: missing, of another type, its name in another case.

    message: makes a right one, with ids of its own each time. wrong: for each field of the contract, in the contract's
    spelling, a value of another type.
    """
    for field, value in wrong.items():
        right = message()
        yield field, json.dumps({name: v for name, v in right.items() if name != field}).encode()
        yield field, json.dumps({**message(), field: value}).encode()
        yield (
            field,
            json.dumps({respelled(name) if name == field else name: v for name, v in message().items()}).encode(),
        )


def bodies(mark: str, message: Callable[[], Mapping[str, Any]], wrong: Mapping[str, Any]) -> list[bytes]:
    """Return all of them: what is `unreadable`, then what is `incomplete`."""
    return [*unreadable(mark), *(body for _, body in incomplete(message, wrong))]


def unusual(message: Mapping[str, Any]) -> bytes:
    """Write a right message as a program would not: who parses it and writes it again changes its bytes."""
    more = {"note": "ñ \u2713", "tags": ["a", {"b": None}]}
    return json.dumps({**more, **message}, ensure_ascii=False, indent=1).replace("ñ", "\\u00F1", 1).encode()


def respelled(field: str) -> str:
    """Return a field's name in another case."""
    return field.upper() if field.islower() else field.lower()
