"""Faults as checks use them: what they tell of an end, and whom they ask afterwards; no container is needed."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader.authoring import fault_injection
from grader.authoring.fault_injection import FaultInjector
from grader.errors import CheckFailure, GraderError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ending:
    """Faults that only say that they were asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        @contextlib.contextmanager
        def fault(target: str, **_: object) -> Iterator[None]:
            self.asked.append((name, target))
            yield
            self.asked.append(("healed", target))

        return fault


def injector(exit_code: int = 0) -> tuple[FaultInjector, Ending]:
    """Return one over two containers of a service, and what it asks for."""
    ends = [
        SimpleNamespace(service="worker", name=f"worker-{n}", state=lambda: SimpleNamespace(exit_code=exit_code))
        for n in (1, 2)
    ]
    faults = Ending()
    stack: Any = SimpleNamespace(containers=lambda *_: ends)
    return FaultInjector(stack, faults), faults


@pytest.mark.parametrize(("exit_code", "killed"), [(0, False), (143, False), (137, True)])
@pytest.mark.parametrize("target", ["worker", "worker-2"])
def test_a_graceful_stop_tells_who_had_to_be_killed(target: str, exit_code: int, killed: bool) -> None:
    """By the exit code of SIGKILL, of a service or of one container."""
    faults, asked = injector(exit_code)
    with faults.stopped(target) as stopped:
        assert asked.asked == [("stopped", target)]
    assert stopped.killed is killed
    assert asked.asked[-1] == ("healed", target)


def test_what_is_not_there_cannot_be_stopped() -> None:
    """A slip of the check's author, or a service that never came up: never an end by itself."""
    faults, _ = injector()
    with pytest.raises(GraderError), faults.stopped("api"):
        pass


def test_what_does_not_come_back_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """After our own fault it owes an answer."""
    monkeypatch.setattr(fault_injection, "ANSWERS_S", 0.0)
    faults, asked = injector()
    with pytest.raises(CheckFailure, match="not-recovered"), faults.killed("worker-1", ready=lambda: False):
        pass
    assert asked.asked == [("killed", "worker-1"), ("healed", "worker-1")]
    faults.restart("worker", ready=lambda: True)
