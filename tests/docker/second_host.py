"""A second host on this machine: its own network, mounts, name and Docker engine, over a link of two addresses.

Needs Linux, root, `ip`, `nsenter`, `unshare` and `dockerd`. Everything of it dies with its first process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE, THERE = "10.197.61.1", "10.197.61.2"
NAME = "second-host"
TOOLS = ("ip", "nsenter", "unshare", "dockerd", "iptables")
UP_S = 60.0
# Mounts and name are its own from here on; the shell then becomes the sleeper that keeps the namespaces.
SETTLE = """
set -e
hostname "$1"
mkdir -p /run/lock; mount -t tmpfs tmpfs /run; mkdir -p /run/lock /run/groups
mount --rbind /sys/fs/cgroup /run/groups
mount -t sysfs sysfs /sys
mount --rbind /run/groups /sys/fs/cgroup
ip link set lo up
exec sleep infinity
"""


class SecondHost:
    """A host that is up. socket: of its engine, as a file that this host can open too."""

    def __init__(self, folder: Path, first: int) -> None:
        self._folder = folder
        self._first = first
        self._engine: subprocess.Popen[bytes] | None = None
        self.socket = folder / "docker.sock"

    def popen(self, argv: Sequence[str], **more: object) -> subprocess.Popen[str]:
        """Start a program there, with its engine and a cache of its own."""
        environment = {
            **os.environ,
            "DOCKER_HOST": f"unix://{self.socket}",
            "GRADER_CACHE": str(self._folder / "cache"),
        }
        return subprocess.Popen([*self._enter(), *argv], env=environment, text=True, **more)  # type: ignore[call-overload, no-any-return]

    def start_engine(self) -> None:
        """Start dockerd and wait for its first answer."""
        folder = self._folder
        # Its containerd's sockets are in the namespace's own /run: in a test's folder their names are too long for one.
        argv = [
            "dockerd", "--data-root", str(folder / "data"), "--exec-root", "/run/docker", "--pidfile",
            str(folder / "pid"), "-H", f"unix://{self.socket}", "--cgroup-parent", "/second-host",
            "--log-level", "warn",
        ]  # fmt: skip
        with (folder / "dockerd.log").open("ab") as log:
            self._engine = subprocess.Popen([*self._enter(), *argv], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        eventually(self._answers, within=UP_S, every=0.2, what="the second engine")

    def stop_engine(self) -> None:
        """End dockerd as a crash would, with its containers."""
        if self._engine:
            self._engine.terminate()
            self._engine.wait(60)

    def load(self, *images: str) -> None:
        """Copy images of this host's engine to that one."""
        there = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}"}
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as save:
            subprocess.run(["docker", "load", "-q"], stdin=save.stdout, env=there, check=True, capture_output=True)
        assert save.returncode == 0

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self._first), "--net", "--mount", "--uts"]

    def _answers(self) -> bool:
        argv = ["docker", "--host", f"unix://{self.socket}", "version"]
        return subprocess.run(argv, check=False, capture_output=True).returncode == 0


def missing() -> str:
    """Return why there can be no second host here, "" if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a second host needs Linux and root"
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"a second host needs {', '.join(lacking)}" if lacking else ""


@contextlib.contextmanager
def second_host(folder: Path) -> Iterator[SecondHost]:
    """Bring a second host up with its data in `folder`, and take it down whatever happens."""
    unshare = ["unshare", "--net", "--mount", "--uts", "--propagation", "private", "sh", "-c", SETTLE, "sh", NAME]
    first = subprocess.Popen(unshare, stdin=subprocess.DEVNULL, start_new_session=True)
    link = f"gr{first.pid}"
    host = SecondHost(folder, first.pid)
    try:
        eventually(lambda: _settled(first), within=UP_S, what="the second host's namespaces")
        _ip("link", "add", link, "type", "veth", "peer", "name", "there", "netns", str(first.pid))
        _ip("addr", "add", f"{HERE}/30", "dev", link)
        _ip("link", "set", link, "up")
        for words in (("addr", "add", f"{THERE}/30", "dev", "there"), ("link", "set", "there", "up")):
            subprocess.run([*host._enter(), "ip", *words], check=True)
        host.start_engine()
        yield host
    finally:
        host.stop_engine()
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        subprocess.run(["ip", "link", "del", link], check=False, capture_output=True)


def _settled(first: subprocess.Popen[bytes]) -> bool:
    assert first.poll() is None, "the second host's first process has ended"
    return Path(f"/proc/{first.pid}/comm").read_text().strip() == "sleep"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
