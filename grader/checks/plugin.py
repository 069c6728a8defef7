"""The pytest plug-in of the checks' process: order, needs, outcomes, and the pipe to the grader."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from grader.authoring.verdicts import ATTRIBUTE, CheckMark
from grader.checks.channel import Began, Broken, Ended, Finished, Sender
from grader.checks.environment import ChecksEnvironment
from grader.checks.judging import Failures, outcome_of
from grader.checks.session import CHANNEL_VARIABLE, SESSION_VARIABLE, Session
from grader.errors import BlockedError

if TYPE_CHECKING:
    from collections.abc import Generator

    from grader.model.assignment import CheckSpec

pytest_plugins = ("grader.checks.fixtures",)


class ChecksPlugin:
    """Runs the rubric's checks in order and reports each outcome."""

    def __init__(self, session: Session, sender: Sender) -> None:
        self.session = session
        self.sender = sender
        self.environment = ChecksEnvironment(session)
        self.verdicts: dict[str, str] = {}
        self._failure: BaseException | None = None
        self._failures = Failures()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the checks of this run, in rubric order."""
        order = {check_id: place for place, check_id in enumerate(self.session.checks)}
        by_id = {mark.id: item for item in items if (mark := _mark(item))}
        items[:] = [by_id[check_id] for check_id in sorted(set(by_id) & set(order), key=lambda c: order[c])]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Report a check's begin and end around pytest's own handling."""
        mark = _mark(item)
        if mark is None:
            return (yield)
        spec = self.session.assignment.check(mark.id)
        self.sender.send(Began(mark.id))
        began = self.environment.recorder.clock()
        self._failure = self._forbidden(spec)
        try:
            return (yield)
        finally:
            failure = self._failures.counted_once(self._failure)
            outcome = outcome_of(self.environment, spec, began, failure)
            self._failures.add(failure, outcome)
            self.verdicts[mark.id] = outcome.verdict
            self.environment.ended(outcome)
            self.sender.send(Ended(outcome))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Leave a check out whose fate is already known."""
        if self._failure is not None:
            pytest.skip("decided before it ran")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Remember the first exception of setup, call or teardown."""
        if call.excinfo is not None and self._failure is None and not call.excinfo.errisinstance(pytest.skip.Exception):
            self._failure = call.excinfo.value
        return (yield)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Report a test file that cannot be imported: our fault."""
        if report.failed:
            self.sender.send(Broken(str(report.longrepr)[-2000:]))

    def pytest_internalerror(self, excrepr: object) -> None:
        """Report a crash of pytest or of this plug-in: our fault."""
        self.sender.send(Broken(str(excrepr)[-2000:]))

    def pytest_sessionfinish(self) -> None:
        """Say that all checks were run."""
        self.environment.close()
        self.sender.send(Finished())
        self.sender.close()

    def _forbidden(self, spec: CheckSpec) -> BaseException | None:
        """Return why a check must not run: a need that did not pass, or a finding that fails it."""
        for need in spec.needs:
            verdict = self.verdicts.get(need)
            if verdict is not None and verdict != "passed":
                return BlockedError(need)
        return self.environment.failure_by_finding(spec)


def _mark(item: pytest.Item) -> CheckMark | None:
    return getattr(getattr(item, "function", None), ATTRIBUTE, None)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Let an assignment's `subject.py` be found before its `hidden/conftest.py` is read, which imports it."""
    with contextlib.suppress(Exception):  # what is wrong with the session is said when the pipe is open
        sys.path.insert(0, _session().assignment.directory)


def pytest_configure(config: pytest.Config) -> None:
    """Read the run and open the pipe."""
    sender = Sender(int(os.environ[CHANNEL_VARIABLE]))
    try:
        session = _session()
        config.pluginmanager.register(ChecksPlugin(session, sender), "grader-checks")
        _register_subject(config, Path(session.assignment.directory))
    except Exception:
        sender.send(Broken(traceback.format_exc()[-2000:]))
        sender.close()
        raise


def _session() -> Session:
    return msgspec.json.decode(Path(os.environ[SESSION_VARIABLE]).read_bytes(), type=Session)


def _register_subject(config: pytest.Config, folder: Path) -> None:
    """Make the fixtures of an assignment's `subject.py` known to all of its checks, public and hidden."""
    if (folder / "subject.py").is_file():
        config.pluginmanager.register(importlib.import_module("subject"), "subject")
