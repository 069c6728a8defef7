"""Packages of a Debian-like system, installed as root: once, after whoever holds apt's locks, with apt's own words."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

from grader import locks, paths, polling, process
from grader.errors import GraderError
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# For somebody else's installation to end, seconds: an upgrade of a whole system may hold the locks.
PATIENCE_S = 900.0
_ONE_CALL_S = 900.0
_LAST_LINES = 12
_BUSY = re.compile(
    r"Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock|was locked by another process"
)
_HALF_DONE = re.compile(r"dpkg --configure -a|--fix-broken|[Uu]nmet dependencies|Sub-process .*dpkg returned an error")


class PackagesError(GraderError):
    """apt could not install something; the message has its own last words."""


def can_install() -> bool:
    """Say whether packages can be installed here: root on a system that has apt."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str, provides: str, on_progress: Callable[[Text], None]) -> None:
    """Install packages with what they need, unless the program `provides` is there by the time that it is our turn.

    Waits for apt's locks, and takes up what an interrupted run has left. Raises PackagesError with apt's last lines and
    with what to type.
    """
    with locks.exclusive("packages"):
        if shutil.which(provides) and _settled(packages):
            return
        on_progress(msg("Installing %(names)s with apt (a minute or two)", names=", ".join(packages)))
        for argv in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            done, words = _apt(argv, on_progress)
            if done.returncode != 0:
                raise PackagesError(
                    msg(
                        "apt-get %(arguments)s failed: %(log)s",
                        arguments=shlex.join(argv),
                        log="\n".join(words.splitlines()[-_LAST_LINES:]) or "-",
                    ),
                    msg(
                        "Mend what apt says, then: sudo apt-get update && sudo apt-get install %(names)s",
                        names=" ".join(packages),
                    ),
                )


def _settled(packages: Sequence[str]) -> bool:
    """Say whether dpkg has nothing half done with these, as it has while another program still installs them."""
    done = process.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}\n", *packages], deadline_s=_ONE_CALL_S, env=_environment()
    )
    statuses = {line for line in done.output.splitlines() if not line.startswith("dpkg-query:")}
    return statuses <= {"installed", "not-installed", "config-files"}


def _apt(argv: Sequence[str], on_progress: Callable[[Text], None]) -> tuple[process.Completed, str]:
    command = ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={PATIENCE_S:.0f}", *argv]
    done, words = _unlocked(command, on_progress)
    if done.returncode == 0 or not _HALF_DONE.search(words):
        return done, words
    # Somebody's installation was cut off; dpkg says itself that this is how it is taken up again.
    _unlocked(["dpkg", "--force-confold", "--configure", "-a"], on_progress)
    _unlocked(["apt-get", "-q", "-y", "--fix-broken", "install"], on_progress)
    return _unlocked(command, on_progress)


def _unlocked(argv: Sequence[str], on_progress: Callable[[Text], None]) -> tuple[process.Completed, str]:
    """Run a command, again for as long as somebody else holds a lock that apt itself does not wait for (its lists')."""
    last: list[tuple[process.Completed, str]] = []

    def attempt() -> tuple[process.Completed, str] | None:
        done, words = _run(argv)
        if done.returncode == 0 or not _BUSY.search(words):
            return done, words
        if not last:
            on_progress(msg("Another program installs packages; waiting for it"))
        last[:] = [(done, words)]
        return None

    try:
        return polling.eventually(attempt, within=PATIENCE_S, every=2.0, what="apt's lock")
    except polling.DeadlineError:
        return last[-1]


def _run(argv: Sequence[str]) -> tuple[process.Completed, str]:
    """Run a command whose output goes to a file: should we be killed, it ends its work and finds no broken pipe."""
    log = paths.cache() / "apt.log"
    log.unlink(missing_ok=True)
    done = process.run(
        ["sh", "-c", 'exec "$@" >"$0" 2>&1 </dev/null', str(log), *argv],
        deadline_s=_ONE_CALL_S, env=_environment(),
    )  # fmt: skip
    return done, log.read_text("utf-8", "replace") if log.is_file() else done.output


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("http_proxy", "https_proxy", "no_proxy") if name in os.environ}
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": "/root", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", **kept}
