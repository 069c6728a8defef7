"""Malformed bodies: each has one fault, and none is a message of the contract."""

from __future__ import annotations

import itertools
import json

from grader import malformed

NUMBERS = itertools.count(1)


def message() -> dict[str, object]:
    return {"id": f"m{next(NUMBERS)}", "duration_ms": 100}


def test_unreadable_bodies_are_no_objects() -> None:
    """No JSON at all, or JSON of another kind."""
    for body in malformed.unreadable("mark"):
        try:
            value = json.loads(body)
        except ValueError:
            continue
        assert not isinstance(value, dict)


def test_all_of_them_are_both_kinds() -> None:
    """First what cannot be read, then what lacks something, and no body twice."""
    found = malformed.bodies("mark", message, {"id": 7})
    assert found[:5] == malformed.unreadable("mark")
    assert len(set(found)) == len(found) == 8


def test_an_unusual_message_is_right_and_does_not_survive_rewriting() -> None:
    """Its fields are as they were, more stand before them, and whoever writes it again writes other bytes."""
    right = {"id": "a", "Fail": False, "fail": True}
    body = malformed.unusual(right)
    value = json.loads(body)
    assert list(value.items())[-3:] == list(right.items())
    assert value["note"] == "\u00f1 \u2713"
    assert body not in {json.dumps(value, ensure_ascii=a, indent=i).encode() for a in (True, False) for i in (None, 1)}


def test_incomplete_ones_lack_one_field_each() -> None:
    """Missing, of another type, spelled in another case: three for each field, each body different."""
    found = list(malformed.incomplete(message, {"id": 7, "duration_ms": "much"}))
    assert [field for field, _ in found] == ["id"] * 3 + ["duration_ms"] * 3
    assert len({body for _, body in found}) == len(found)
    for _field, body in found:
        value = json.loads(body)
        right = isinstance(value.get("id"), str) and isinstance(value.get("duration_ms"), int)
        assert not right
