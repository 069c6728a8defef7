"""Makes sure that a Docker engine answers: the one that is there, or on Debian and Ubuntu, as root, one started here.

Exit code 0 when an engine answers, 3 with what to do when none does.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader import polling, process
from grader.errors import DockerUnavailableError
from grader.images.endpoint import DEFAULT_SOCKET, connect, current_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = Path("/var/lib/grader-engine")
LOG = HOME / "dockerd.log"
PID_FILE = Path("/var/run/docker.pid")
START_S = 90.0
INSTALL_S = 900.0


def main() -> int:
    """Return the exit code."""
    try:
        print(f"Docker engine: {_version()}")
    except DockerUnavailableError as error:
        missing = error
    else:
        return 0
    if not _ours_to_start():
        return _give_up(missing)
    print("No Docker engine answers; starting one", flush=True)
    if shutil.which("dockerd") is None and not _install():
        return _give_up(missing)
    try:
        _start()
        version = polling.eventually(_answers, within=START_S, every=0.3, what="the Docker engine's first answer")
    except (polling.DeadlineError, OSError) as error:
        print(f"The engine did not start: {error}", file=sys.stderr)
        if LOG.is_file():
            print("\n".join(LOG.read_text("utf-8", "replace").splitlines()[-15:]), file=sys.stderr)
        return 3
    print(f"Docker engine: {version}")
    return 0


def _version() -> str:
    return f"{connect(timeout_s=10).version()['Version']} at {current_endpoint()}"


def _answers() -> str | None:
    try:
        return _version()
    except DockerUnavailableError:
        return None


def _ours_to_start() -> bool:
    """Only the default socket of a Debian-like system, and only as root: any other endpoint is the user's affair."""
    try:
        default = current_endpoint() == DEFAULT_SOCKET
    except DockerUnavailableError:
        return False
    return default and sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install() -> bool:
    print("Installing the packages docker.io and iptables (a minute or two)", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker.io", "iptables"],
    ):
        done = process.run(argv, deadline_s=INSTALL_S, env=environment)
        if done.returncode != 0:
            print(done.output[-2000:], file=sys.stderr)
    return shutil.which("dockerd") is not None


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        process.run(["systemctl", "start", "docker"], deadline_s=START_S, env=None)
        return
    if _running():
        return  # it is still starting, or about to be replaced by its own supervisor: only wait
    PID_FILE.unlink(missing_ok=True)
    HOME.mkdir(parents=True, exist_ok=True)
    argv = ["dockerd", "--log-level", "warn", *([] if _has_own_root() else ["--data-root", str(HOME / "docker")])]
    # Its own session and its own log: the engine outlives this program and holds none of its pipes.
    process.run(
        ["sh", "-c", 'exec setsid --fork "$@" </dev/null >>"$0" 2>&1', str(LOG), *argv],
        deadline_s=START_S,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": "/root"},
        check=True,
    )


def _running() -> bool:
    """Say whether the process that the pid file names is an engine, and not one that got its number later."""
    return _read(PID_FILE, lambda pid: Path(f"/proc/{int(pid)}/comm").read_text().strip() == "dockerd")


def _has_own_root() -> bool:
    """Say whether the engine's configuration names a data root; the option beside it would be refused."""
    return _read(Path("/etc/docker/daemon.json"), lambda text: "data-root" in json.loads(text))


def _read(path: Path, ask: Callable[[str], bool]) -> bool:
    try:
        return ask(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False


def _give_up(error: DockerUnavailableError) -> int:
    for text in (error.message, error.remedy):
        if text:
            print(text.msgid % text.params, file=sys.stderr)
    return 3


if __name__ == "__main__":
    sys.exit(main())
