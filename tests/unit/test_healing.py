"""A record of faults has causes before what they cause."""

from __future__ import annotations

import pytest

from grader.faults.heal import healing


def test_fault_and_healing_are_noted_before_they_are_done() -> None:
    """What the engine tells of a fault stands behind the fault, and what it tells of healing behind that."""
    told: list[str] = []
    with healing(
        lambda kind, actor, action: told.append(f"{kind} {actor} {action}"),
        "worker-2",
        "kill",
        do=lambda: told.append("died"),
        heal=lambda: told.append("started"),
    ):
        told.append("body")
    assert told == ["fault worker-2 kill", "died", "body", "healed worker-2 kill", "started"]


def test_a_fault_half_done_is_healed() -> None:
    """The error of the fault arrives; what it had done is taken back, and both are on record."""
    told: list[str] = []

    def fails() -> None:
        raise ZeroDivisionError

    with (
        pytest.raises(ZeroDivisionError),
        healing(lambda kind, *_: told.append(kind), "x", "stop", do=fails, heal=lambda: told.append("started")),
    ):
        pass
    assert told == ["fault", "healed", "started"]
