"""Who is alone on this machine: with real processes, since that is what the locks are between."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from grader import company, process
from grader.polling import eventually, never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Takes part, says what it is by a file, and goes on when it is told to by another one.
PROGRAM = """
import sys, pathlib
from grader import company
from grader.polling import eventually
folder, name, how = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
def step(word):
    (folder / f"{name}.{word}").touch()
def wait(word):
    eventually((folder / f"{name}.{word}").exists, within=60, what=word)
with company.shared() as others:
    step("inside")
    wait("go")
    if how == "alone":
        with others.alone():
            step("alone")
            wait("end")
step("done")
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], process.Child]]:
    """Start a grading by name that is "beside" others or wants to be "alone"."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    children: list[process.Child] = []

    def begin(name: str, how: str) -> process.Child:
        child = process.spawn([sys.executable, "-c", PROGRAM, str(tmp_path), name, how], env=None)
        children.append(child)
        return child

    yield begin
    for child in children:
        child.kill()


def _seen(folder: Path, mark: str) -> bool:
    return eventually((folder / mark).exists, within=30, what=mark)


def test_whoever_wants_to_be_alone_waits_for_those_inside_and_holds_up_those_who_come(
    start: Callable[[str, str], process.Child], tmp_path: Path
) -> None:
    """Then everybody goes on."""
    start("first", "beside")
    start("second", "alone")
    assert _seen(tmp_path, "first.inside")
    assert _seen(tmp_path, "second.inside")
    (tmp_path / "second.go").touch()
    assert not never((tmp_path / "second.alone").exists, for_=1.0)
    start("third", "beside")
    assert not never((tmp_path / "third.inside").exists, for_=1.0)
    (tmp_path / "first.go").touch()
    assert _seen(tmp_path, "second.alone")
    assert not never((tmp_path / "third.inside").exists, for_=0.5)
    (tmp_path / "second.end").touch()
    assert _seen(tmp_path, "third.inside")


def test_two_that_want_to_be_alone_are_so_one_after_the_other(
    start: Callable[[str, str], process.Child], tmp_path: Path
) -> None:
    """They do not wait for each other for ever."""
    for name in ("one", "two"):
        start(name, "alone")
        assert _seen(tmp_path, f"{name}.inside")
    for name in ("one", "two"):
        (tmp_path / f"{name}.go").touch()
    eventually(lambda: list(tmp_path.glob("*.alone")), within=30, what="one that is alone")
    assert not never(lambda: len(list(tmp_path.glob("*.alone"))) == 2, for_=1.0)
    for name in ("one", "two"):
        (tmp_path / f"{name}.end").touch()
    assert _seen(tmp_path, "one.done")
    assert _seen(tmp_path, "two.done")


def test_one_that_is_killed_holds_nobody_up(start: Callable[[str, str], process.Child], tmp_path: Path) -> None:
    """Neither inside nor alone."""
    start("beside", "beside")
    child = start("killed", "alone")
    assert _seen(tmp_path, "beside.inside")
    assert _seen(tmp_path, "killed.inside")
    (tmp_path / "killed.go").touch()
    child.kill()
    with company.shared() as others:
        assert others.busy()
    (tmp_path / "beside.go").touch()
    assert _seen(tmp_path, "beside.done")


def test_a_machine_of_its_own_is_not_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the machine has more to do than its processors can."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    with company.shared() as others:
        monkeypatch.setattr(company.os, "getloadavg", lambda: (0.1, 9.0, 9.0))
        assert not others.busy()
        monkeypatch.setattr(company.os, "getloadavg", lambda: (100.0, 0.0, 0.0))
        assert others.busy()
        others.leave()
        with company.shared() as second, second.alone():
            pass
