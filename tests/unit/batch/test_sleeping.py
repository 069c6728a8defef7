"""A machine sleeps while a class is graded, and every submission is graded all the same.

Real processes, stopped for longer than Dask hears nothing of a worker before it gives it up; only what a grading does
is trivial.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from grader.polling import pause
from tests.unit.batch import trivial
from tests.unit.batch.trivial import Class

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("socket_enabled")
TTL = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "1s"}  # five seconds at least, by its own rule
ASLEEP_S = 13.0


@contextlib.contextmanager
def asleep(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop a process and all that it has started while the block runs."""
    everyone = [psutil.Process(process.pid)]
    everyone += everyone[0].children(recursive=True)
    for one in everyone:
        one.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGCONT)


def test_what_was_in_work_while_the_machine_slept_is_graded_again(tmp_path: Path) -> None:
    """And nobody else."""
    with Class(tmp_path, **TTL) as found:
        found.until("two in work", lambda: len(found.in_work()) == 2)
        with asleep(found.process):
            pause(ASLEEP_S)
            slept = found.in_work()
        found.assert_graded()
    again = found.events("again")
    assert {event["name"] for event in again} == slept
    assert all(event["stood_s"] >= ASLEEP_S - 3 for event in again)
    assert not found.events("worker-lost")


@contextlib.contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def scheduler(env: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port),
            "--no-dashboard"]  # fmt: skip
    return subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_remote_worker_that_slept_is_taken_back(tmp_path: Path, port: int) -> None:
    """It is the only one, and is given up by the scheduler before it wakes."""
    env, address = trivial.environment(tmp_path / "site", **TTL), f"tcp://127.0.0.1:{port}"
    with (
        running(scheduler(env, port)),
        running(trivial.start(env, "worker", address)) as worker,
        Class(tmp_path, "--scheduler", address) as found,
    ):
        found.until("two in work", lambda: len(found.in_work()) == 2)
        with asleep(worker):
            found.until("the worker given up", lambda: found.events("worker-lost"))
        found.assert_graded()
    assert len(found.events("worker-joined")) == 2


def test_a_scheduler_that_was_away_is_found_again(tmp_path: Path, port: int) -> None:
    """As after a laptop has slept, whose connections are cut: what was in work is graded again."""
    env, address = trivial.environment(tmp_path / "site"), f"tcp://127.0.0.1:{port}"
    with contextlib.ExitStack() as closing:
        first = closing.enter_context(running(scheduler(env, port)))
        closing.enter_context(running(trivial.start(env, "worker", address)))
        found = closing.enter_context(Class(tmp_path, "--scheduler", address))
        found.until("two in work", lambda: len(found.in_work()) == 2)
        first.kill()
        first.wait()
        found.until("its absence noticed", lambda: found.events("again"))
        closing.enter_context(running(scheduler(env, port)))
        found.assert_graded()
