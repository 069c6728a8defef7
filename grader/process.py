"""The only caller of subprocess: an argv, a built environment, a deadline, a cap on output, and a sure end.

Every child leads a process group of its own with its input closed; what goes over the deadline, or is left when an
exception passes through, is killed with the whole group. Times are seconds.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import msgspec

from grader.polling import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

OUTPUT_CAP = 1_000_000
_CHUNK = 65536
# How long output may still arrive after the child itself has ended while a grandchild holds the pipe.
_GRACE_S = 0.5


class Completed(msgspec.Struct, frozen=True):
    """How a child ended.

    returncode: as subprocess reports it (negative: a signal), None when we killed it. output: both streams in one,
    UTF-8 with replacements, only the tail when it went over the cap. seconds: wall time.
    """

    returncode: int | None
    output: str
    seconds: float
    timed_out: bool


class ProcessError(Exception):
    """A child that had to succeed did not; `completed` says how it ended."""

    def __init__(self, argv: Sequence[str], completed: Completed) -> None:
        how = "timed out" if completed.timed_out else f"exit code {completed.returncode}"
        super().__init__(f"{argv[0]}: {how}: {completed.output[-500:]}")
        self.argv = tuple(argv)
        self.completed = completed


class _Tail:
    """The last `cap` bytes of a stream, and its whole lines for a listener (a line is cut at 64 KiB)."""

    def __init__(self, cap: int, on_line: Callable[[str], None] | None) -> None:
        self._cap = cap
        self._kept = bytearray()
        self._line = bytearray()
        self._on_line = on_line
        self.dropped = False

    def feed(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > 2 * self._cap:  # trimmed in strides, not per chunk
            self._trim()
        if self._on_line:
            self._line += data
            *whole, rest = self._line.split(b"\n")
            self._line = rest
            for line in whole:
                self._on_line(line.decode("utf-8", "replace").rstrip("\r"))
            if len(self._line) > _CHUNK:
                self.flush()

    def flush(self) -> None:
        if self._on_line and self._line:
            line, self._line = bytes(self._line), bytearray()
            self._on_line(line.decode("utf-8", "replace"))

    def _trim(self) -> None:
        if len(self._kept) > self._cap:
            del self._kept[: len(self._kept) - self._cap]
            self.dropped = True

    def text(self) -> str:
        self._trim()
        return bytes(self._kept).decode("utf-8", "replace")


class Child:
    """A running child of `spawn`; its output is read by a thread, so it never blocks on a full pipe."""

    def __init__(self, process: subprocess.Popen[bytes], tail: _Tail) -> None:
        self._process = process
        self._tail = tail
        self._age = Deadline(float("inf"))
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """The child's process id, which is its group's id as well."""
        return self._process.pid

    @property
    def output(self) -> str:
        """What the child has written so far (its tail, when over the cap)."""
        return self._tail.text()

    def running(self) -> bool:
        """Say whether the child itself still runs."""
        return self._process.poll() is None

    def wait(self, deadline_s: float) -> Completed:
        """Wait for the end; at the deadline, and on any exception, the group is killed."""
        timed_out = False
        try:
            self._process.wait(timeout=None if deadline_s == float("inf") else deadline_s)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            if timed_out or self._process.returncode is None:
                self.kill()
        if self._reader:
            self._reader.join(_GRACE_S)
            if self._reader.is_alive():
                self._kill_group()
                self._reader.join(_GRACE_S)
        return self._completed(timed_out)

    def terminate(self) -> None:
        """Ask the child itself to end (SIGTERM), so that it can clean up; harmless when it has ended."""
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL the group and reap the child; harmless when it has ended."""
        if self._process.poll() is None:
            self._kill_group()
            self._process.wait()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _completed(self, timed_out: bool) -> Completed:
        code = None if timed_out else self._process.returncode
        return Completed(code, self._tail.text(), self._age.elapsed(), timed_out)

    def drain(self, deadline: Deadline) -> bool:
        """Read output until it ends, or the child has ended and its pipe stays silent; False at the deadline."""
        pipe = self._process.stdout
        if pipe is None:
            return True
        grace: Deadline | None = None
        with selectors.DefaultSelector() as selector, pipe:
            selector.register(pipe, selectors.EVENT_READ)
            while not deadline.passed():
                if selector.select(min(deadline.left(), 0.1)):
                    data = os.read(pipe.fileno(), _CHUNK)
                    if not data:
                        break
                    self._tail.feed(data)
                elif self._process.poll() is not None:
                    grace = grace or Deadline(_GRACE_S)
                    if grace.passed():
                        self._kill_group()  # only a grandchild is left
                        break
            else:
                return False
        self._tail.flush()
        return True


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None,
    cwd: str | Path | None = None,
    output_cap: int = OUTPUT_CAP,
    on_line: Callable[[str], None] | None = None,
    pass_fds: Sequence[int] = (),
    die_with_parent: bool = False,
) -> Child:
    """Start a child that goes on beside the caller; `on_line` is called from a thread.

    env: the whole environment (None: inherit ours). die_with_parent: Linux kills the child when the thread that
    spawned it ends, so the grader's own SIGKILL leaves nothing behind. Raises OSError if it cannot be started.
    """
    child = _start(argv, env, cwd, output_cap, on_line, pass_fds=pass_fds, die_with_parent=die_with_parent)
    child._reader = threading.Thread(target=child.drain, args=(Deadline(float("inf")),), daemon=True)
    child._reader.start()
    return child


def run(
    argv: Sequence[str],
    *,
    deadline_s: float,
    env: Mapping[str, str] | None,
    cwd: str | Path | None = None,
    output_cap: int = OUTPUT_CAP,
    on_line: Callable[[str], None] | None = None,
    pass_fds: Sequence[int] = (),
    check: bool = False,
) -> Completed:
    """Run a child to its end; `on_line` is called in the caller's thread for each line of output.

    env: the whole environment (None: inherit ours). With `check`, anything but exit code 0 raises ProcessError.
    Raises OSError if it cannot be started. At the deadline, and on any exception, the group is killed.
    """
    child = _start(argv, env, cwd, output_cap, on_line, pass_fds=pass_fds, die_with_parent=False)
    deadline = Deadline(deadline_s)
    try:
        drained = child.drain(deadline)
        completed = child.wait(deadline.left() if drained else 0)
    finally:
        child.kill()
    if check and completed.returncode != 0:
        raise ProcessError(argv, completed)
    return completed


def _start(
    argv: Sequence[str],
    env: Mapping[str, str] | None,
    cwd: str | Path | None,
    output_cap: int,
    on_line: Callable[[str], None] | None,
    *,
    pass_fds: Sequence[int],
    die_with_parent: bool,
) -> Child:
    command = list(argv)
    # setpriv rather than a preexec function, which is unsafe in a program with threads.
    if die_with_parent and sys.platform == "linux" and (setpriv := shutil.which("setpriv")):
        command = [setpriv, "--pdeathsig", "KILL", "--", *command]
    process = subprocess.Popen(  # noqa: S603 - an argv without a shell; callers build it, submissions never do
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if env is None else dict(env),
        cwd=cwd,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
    )
    return Child(process, _Tail(output_cap, on_line))
