"""So many at a time may build and start, whichever processes they are in."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from grader.batch.slots import slot
from grader.polling import eventually

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys, threading
from grader.batch.slots import slot
with slot(1):
    print("in", flush=True)
    threading.Event().wait()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path))


def test_no_more_than_there_are_places() -> None:
    """And no fewer, where more are waiting."""
    inside: set[int] = set()
    most = 0
    lock = threading.Lock()
    full = threading.Barrier(2, timeout=30)

    def pass_through(number: int) -> None:
        nonlocal most
        with slot(2):
            with lock:
                inside.add(number)
                most = max(most, len(inside))
            full.wait()  # always two, and never a third, are in here together
            with lock:
                inside.discard(number)

    threads = [threading.Thread(target=pass_through, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 2


def test_who_dies_gives_the_place_back(tmp_path: Path) -> None:
    """By SIGKILL."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GRADER_CACHE": str(tmp_path)},
    )
    assert holder.stdout
    assert holder.stdout.readline() == "in\n"
    got = threading.Event()

    def wait() -> None:
        with slot(1):
            got.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not got.wait(0.5)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    eventually(got.is_set, within=30, what="the place")
    waiting.join(5)
