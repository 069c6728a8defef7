"""Makes sure that a Docker engine answers: the one that is there, or on Debian and Ubuntu, as root, one started here.

Exit code 0 when an engine answers, 3 with what to do when none does.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from saying import give_up, say

from grader import polling, process
from grader.errors import DockerUnavailableError, GraderError
from grader.images import packages
from grader.images.endpoint import DEFAULT_SOCKET, connect, current_endpoint
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.text import Text

HOME = Path("/var/lib/grader-engine")
LOG = HOME / "dockerd.log"
PID_FILE = Path("/var/run/docker.pid")
START_S = 90.0


def main() -> int:
    """Return the exit code."""
    try:
        say(_engine())
    except DockerUnavailableError as error:
        missing = error
    else:
        return 0
    if not _ours_to_start():
        return give_up(missing)
    say(msg("No Docker engine answers; starting one"))
    try:
        packages.install("docker.io", "iptables", provides="dockerd", on_progress=say)
        _start()
        found = polling.eventually(_answers, within=START_S, every=0.3, what="the Docker engine's first answer")
    except GraderError as error:
        return give_up(error)
    except (polling.DeadlineError, OSError) as error:
        last = LOG.read_text("utf-8", "replace").splitlines()[-15:] if LOG.is_file() else []
        log = "\n".join([str(error), *last])
        remedy = msg("Look at %(log)s, start the engine by hand, and run the same command again.", log=str(LOG))
        return give_up(GraderError(msg("The Docker engine did not start: %(log)s", log=log), remedy))
    say(found)
    return 0


def _engine() -> Text:
    version = str(connect(timeout_s=10).version()["Version"])
    return msg("Docker engine %(version)s at %(endpoint)s", version=version, endpoint=current_endpoint())


def _answers() -> Text | None:
    try:
        return _engine()
    except DockerUnavailableError:
        return None


def _ours_to_start() -> bool:
    """Only the default socket of a Debian-like system, and only as root: any other endpoint is the user's affair."""
    try:
        return current_endpoint() == DEFAULT_SOCKET and packages.can_install()
    except DockerUnavailableError:
        return False


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


if __name__ == "__main__":
    sys.exit(main())
