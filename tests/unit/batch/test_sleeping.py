"""A machine sleeps while a class is graded, and every submission is graded all the same.

Real processes, stopped for longer than Dask hears nothing of a worker before it gives it up; only what a grading does
is trivial.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from grader.polling import eventually, pause
from tests.unit.batch import trivial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("socket_enabled")
TTL = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "1s"}  # five seconds at least, by its own rule
ASLEEP_S = 13.0
WITHIN_S = 120.0
COUNT = 6


class Class:
    """A class that is being graded."""

    def __init__(self, tmp_path: Path, *options: str, **more: str) -> None:
        self.out = tmp_path / "out"
        self._log = (tmp_path / "log").open("w+b")
        env = trivial.environment(tmp_path / "site", **more)
        folder = trivial.submissions(tmp_path / "class", COUNT)
        self.process = trivial.start(
            env, "batch", "greeting", str(folder), "--out", str(self.out), "--json", "--jobs", "2", *options,
            stdout=self._log,
        )  # fmt: skip

    def said(self) -> str:
        return Path(self._log.name).read_text("utf-8")

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = [line for line in self.said().split("\n")[:-1] if line.startswith("{")]
        return [event for event in map(json.loads, lines) if event["type"] == kind]

    def until(self, what: str, probe: Callable[[], Any]) -> None:
        def look() -> Any:
            assert self.process.poll() is None, self.said()
            return probe()

        eventually(look, within=WITHIN_S, every=0.1, what=what)

    def assert_graded(self) -> None:
        """It ends with everybody's grade, each after one try that counts."""
        assert self.process.wait(WITHIN_S) == 0, self.said()
        self._log.close()
        rows = json.loads((self.out / "class.json").read_text("utf-8"))["students"]
        assert {row["student"]: row["state"] for row in rows} == {f"s{n}": "final" for n in range(COUNT)}
        audit = [json.loads(line) for line in (self.out / "audit.jsonl").read_text("utf-8").splitlines()]
        assert [line["tries"] for line in audit] == [1] * COUNT


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


def in_work(found: Class) -> set[str]:
    return {event["name"] for event in found.events("grading")} - {event["name"] for event in found.events("graded")}


def test_what_was_in_work_while_the_machine_slept_is_graded_again(tmp_path: Path) -> None:
    found = Class(tmp_path, **TTL)
    found.until("two in work", lambda: len(in_work(found)) == 2)
    with asleep(found.process):
        pause(ASLEEP_S)
        slept = in_work(found)
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
    with running(scheduler(env, port)), running(trivial.start(env, "worker", address)) as worker:
        found = Class(tmp_path, "--scheduler", address)
        found.until("two in work", lambda: len(in_work(found)) == 2)
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
        found = Class(tmp_path, "--scheduler", address)
        found.until("two in work", lambda: len(in_work(found)) == 2)
        first.kill()
        first.wait()
        found.until("its absence noticed", lambda: found.events("again"))
        closing.enter_context(running(scheduler(env, port)))
        found.assert_graded()
