"""Whose something is that a grader has left: a process, told from others that have, or will have, the same number."""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
from pathlib import Path

import msgspec
import psutil

# psutil derives start times from the boot time, which clock corrections move a little.
_CLOCK_DRIFT_S = 2.0


class Owner(msgspec.Struct, frozen=True):
    """A grader process: the machine (and PID namespace) it runs on, its pid, its start time (s since the epoch)."""

    host: str
    pid: int
    started: float

    @classmethod
    def current(cls) -> Owner:
        """Return this process."""
        return cls(_host_id(), os.getpid(), round(psutil.Process().create_time(), 2))

    @classmethod
    def parse(cls, label: str) -> Owner | None:
        """Read a label's value; None when it isn't one of ours."""
        parts = label.split("/")
        try:
            return cls(parts[0], int(parts[1]), float(parts[2])) if len(parts) == 3 else None
        except ValueError:
            return None

    def label(self) -> str:
        """Return the label's value."""
        return f"{self.host}/{self.pid}/{self.started:.2f}"

    @property
    def run(self) -> str:
        """Return a short name for this process's run, the same at every call."""
        return hashlib.sha256(self.label().encode()).hexdigest()[:8]

    def dead(self) -> bool:
        """Say whether the process is certainly gone; of another machine's nobody can tell, so it is not."""
        if self.host != _host_id():
            return False
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            return abs(process.create_time() - self.started) > _CLOCK_DRIFT_S
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False


def _host_id() -> str:
    """Name this machine and PID namespace: a pid says nothing outside of them."""
    try:
        machine = Path("/etc/machine-id").read_text("utf-8").strip()
    except OSError:
        machine = f"{uuid.getnode():x}"
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return hashlib.sha256(f"{machine} {platform.node()} {namespace}".encode()).hexdigest()[:12]
