"""Runs the checks of an assignment in a child process and collects what it reports."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader import process
from grader.checks.channel import Began, Broken, Ended, Finished, receive
from grader.checks.session import CHANNEL_VARIABLE, SESSION_VARIABLE
from grader.events import CheckBegan, CheckEnded
from grader.model import portable
from grader.model.outcome import Evidence, Outcome
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.checks.session import Session
    from grader.events import Listener

# Of the grader's own environment the checks need only where temporary files and the cache lie.
KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LANG", "XDG_CACHE_HOME", "GRADER_CACHE", "DOCKER_CERT_PATH", "SYSTEMROOT")
INI = "[pytest]\naddopts =\npython_files = test_*.py\n"


class Stop:
    """A way to end checks under way from another thread, with the reason that their outcomes then have."""

    def __init__(self) -> None:
        self.reason = ""
        self._end: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def now(self, reason: str) -> None:
        """End the checks; those that have not reported fail with `reason`."""
        with self._lock:
            self.reason = reason
            self._end()

    def by(self, end: Callable[[], None]) -> None:
        """Say what ends them; done at once if they are to end already."""
        with self._lock:
            self._end = end
            if self.reason:
                end()


def run(
    session: Session, folder: Path, listen: Listener, stop: Stop | None = None
) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
    """Run the session's checks; return their outcomes in rubric order and errors of ours for developers.

    folder: an empty folder of ours, the child's working directory. A check that the child did not report is an error,
    unless `stop` ended it.
    """
    stop = stop or Stop()
    (folder / "empty").mkdir()
    file = folder / "session.json"
    file.write_bytes(portable.encode(session))
    ini = folder / "pytest.ini"
    ini.write_text(INI, "utf-8")
    reading, writing = os.pipe()
    try:
        child = process.spawn(
            _argv(session, ini),
            env=_environment(file, writing),
            cwd=folder / "empty",
            pass_fds=(writing,),
            die_with_parent=True,
        )
    finally:
        os.close(writing)
    outcomes: dict[str, Outcome] = {}
    errors: list[str] = []
    collector = threading.Thread(target=_collect, args=(reading, session.checks, outcomes, errors, listen), daemon=True)
    collector.start()
    stop.by(child.kill)
    try:
        completed = child.wait(session.deadline_s)
        collector.join(10)
    finally:
        child.kill()
    if stop.reason:
        return tuple(outcomes.get(c) or _stopped(c, stop.reason, listen) for c in session.checks), ()
    if completed.timed_out:
        errors.append(f"the checks did not end within {session.deadline_s:.0f} s")
    if completed.timed_out or "finished" not in outcomes:
        errors.append(completed.output[-4000:])
    return tuple(outcomes.get(c) or _unreported(c, errors) for c in session.checks), tuple(errors)


def _collect(
    descriptor: int, checks: tuple[str, ...], outcomes: dict[str, Outcome], errors: list[str], listen: Listener
) -> None:
    try:
        for message in receive(descriptor, checks):
            match message:
                case Began(check):
                    listen(CheckBegan(check))
                case Ended(outcome):
                    outcomes[outcome.check] = outcome
                    listen(CheckEnded(outcome))
                case Broken(error):
                    errors.append(error)
                case Finished():
                    outcomes["finished"] = Outcome(check="finished", verdict="passed")
    except msgspec.DecodeError as error:
        errors.append(f"the channel carried something else: {error}")


def _argv(session: Session, ini: Path) -> list[str]:
    directory = Path(session.assignment.directory)
    tests = [str(directory / v) for v in ("public", "hidden") if (directory / v).is_dir()]
    options = ["-q", "--no-header", "--tb=short", "--import-mode=importlib", "-p", "no:cacheprovider"]
    plugins = ["-p", "grader.checks.fixtures", "-p", "grader.checks.plugin"]
    # -P: the working directory never becomes a place to import from, whatever a submission calls its files.
    return [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "-c",
        str(ini),
        "--rootdir",
        str(directory),
        "--confcutdir",  # a conftest.py above the assignment is somebody else's
        str(directory),
        *options,
        *plugins,
        *tests,
    ]


def _environment(file: Path, descriptor: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        SESSION_VARIABLE: str(file),
        CHANNEL_VARIABLE: str(descriptor),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }


def _stopped(check: str, reason: str, listen: Listener) -> Outcome:
    observed = msg("the submission was ended before this check")
    outcome = Outcome(check=check, verdict="failed", reason=reason, observed=observed)
    listen(CheckEnded(outcome))
    return outcome


def _unreported(check: str, errors: list[str]) -> Outcome:
    lines = tuple("\n".join(errors).splitlines()[-30:])
    return Outcome(
        check=check,
        verdict="error",
        reason="grader-error",
        observed=msg("the grader's checks ended before this one"),
        evidence=(Evidence(title=msg("for the grader's developers"), lines=lines),),
    )
