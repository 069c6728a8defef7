"""The checks' plug-in: which checks run, in which order, and what the pipe says of each. pytest itself runs them."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader.checks import plugin
from grader.checks.channel import Began, Broken, Ended, Finished, receive
from grader.checks.environment import ChecksEnvironment
from grader.checks.session import CHANNEL_VARIABLE, SESSION_VARIABLE, ServiceState, Session
from grader.model import portable
from grader.model.assignment import Assignment, CheckSpec, ContractService
from grader.model.findings import Finding
from grader.model.text import Bilingual, msg
from grader.probes.recorder import Recorder
from grader.stack.info import GatewayInfo, StackInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model.outcome import Outcome

pytest_plugins = ["pytester"]

TEXT = Bilingual(es="a", en="a")
STACK = StackInfo(
    project="p", run="r", endpoint="e", compose_file="/x/y", stage="/x", epoch=0.0, services={}, networks={},
    compose_binary="c",
    gateway=GatewayInfo(container="g", image="i", host="127.0.0.1", port=1, user="u", password="p"),
)  # fmt: skip
HEAD = """
from grader import blocked, check, fail, msg

def wrong(code):
    fail(code, expected=msg("x"), observed=msg("y"))
"""


def spec(
    check_id: str, *, needs: tuple[str, ...] = (), fails_on: tuple[str, ...] = (), hidden: bool = False
) -> CheckSpec:
    """Return a row of a rubric."""
    return CheckSpec(
        id=check_id, title=TEXT, requirement=TEXT, points=1, level="core", needs=needs, fails_on=fails_on,
        visibility="hidden" if hidden else "public",
    )  # fmt: skip


class Offline(ChecksEnvironment):
    """The checks' environment with a stack that is only said to be there."""

    canary = True

    def __init__(self, session: Session) -> None:
        self.session = session
        self.assignment = session.assignment
        self.stack: Any = SimpleNamespace(canary=lambda: self.canary, containers=lambda *_: [])
        self.recorder = Recorder(time.monotonic)
        self.dirty = False
        self.failed = set()
        self._closers = []


class Ran:
    """What came over the pipe."""

    def __init__(self, messages: list[Any], environment: ChecksEnvironment) -> None:
        self.messages = messages
        self.environment = environment
        self.outcomes: dict[str, Outcome] = {m.outcome.check: m.outcome for m in messages if isinstance(m, Ended)}

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        """Return checks and verdicts in the order in which they ended."""
        return [(o.check, o.verdict) for o in self.outcomes.values()]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ran]:
    """Let pytest run the checks of an assignment, in this process: its public and hidden files, and a rubric."""
    monkeypatch.setattr(plugin, "ChecksEnvironment", Offline)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def ran(
        rubric: list[CheckSpec],
        public: str = "",
        hidden: str = "",
        *,
        beside: dict[str, str] | None = None,
        chosen: tuple[str, ...] | None = None,
        findings: tuple[Finding, ...] = (),
        services: dict[str, ServiceState] | None = None,
    ) -> Ran:
        for name, text in (("public", public), ("hidden", hidden)):
            if text:
                pytester.mkdir(name).joinpath(f"test_{name}.py").write_text(HEAD + text, "utf-8")
        for name, text in (beside or {}).items():
            (pytester.path / name).write_text(text, "utf-8")
        checks = tuple(s.id for s in rubric) if chosen is None else chosen
        contract = (ContractService(name="rabbitmq", role="rabbitmq"),)
        directory = str(pytester.path)
        assignment = Assignment(id="x", title=TEXT, services=contract, checks=tuple(rubric), directory=directory)
        session = Session(stack=STACK, assignment=assignment, checks=checks, services=services or {}, findings=findings)
        file = tmp_path / "session.json"
        file.write_bytes(portable.encode(session))
        reading, writing = os.pipe()
        monkeypatch.setenv(SESSION_VARIABLE, str(file))
        monkeypatch.setenv(CHANNEL_VARIABLE, str(writing))
        folders = [name for name in ("public", "hidden") if (pytester.path / name).is_dir()]
        found = pytester.inline_run(
            *folders, "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-p", "grader.checks.fixtures",
            "-p", "grader.checks.plugin", plugins=[(kept := _Kept())],
        )  # fmt: skip
        assert found is not None
        return Ran(said(reading, checks), kept.environment)

    return ran


def said(reading: int, checks: tuple[str, ...]) -> list[Any]:
    """Return all that lies in the pipe when pytest has ended: a plug-in that never closed it is not waited for."""
    os.set_blocking(reading, False)
    return list(receive(reading, checks))


class _Kept:
    """Remembers the environment of a run, which is gone with pytest."""

    environment: ChecksEnvironment

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look it up."""
        found = session.config.pluginmanager.get_plugin("grader-checks")
        assert isinstance(found, plugin.ChecksPlugin)
        self.environment = found.environment


def test_checks_run_in_the_order_of_the_rubric(run: Callable[..., Ran]) -> None:
    """Whatever the order of files and functions; each begins before it ends, and the run says when it is over."""
    done = run(
        [spec("a"), spec("b", hidden=True), spec("c")],
        public='@check("c")\ndef test_1(): pass\n\n@check("a")\ndef test_2(): pass\n',
        hidden='@check("b")\ndef test_0(): pass\n',
    )
    told = [m.check if isinstance(m, Began) else m.outcome.check for m in done.messages[:-1]]
    assert told == ["a", "a", "b", "b", "c", "c"]
    assert done.verdicts == [("a", "passed"), ("b", "passed"), ("c", "passed")]
    assert done.messages[-1] == Finished()


def test_a_plug_in_that_does_not_come_to_its_end_is_not_waited_for(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """These tests then fail for what is missing in the pipe, and do not stand still."""
    opened: list[Any] = []
    monkeypatch.setattr(plugin.ChecksPlugin, "pytest_sessionfinish", lambda self: opened.append(self.sender))
    done = run([spec("a")], public='@check("a")\ndef test_a(): pass\n')
    opened[0].close()
    assert done.verdicts == [("a", "passed")]
    assert Finished() not in done.messages


def test_only_the_checks_of_the_run_are_run(run: Callable[..., Ran]) -> None:
    """A hidden check that nobody asked for does nothing; nor does a test that is no check."""
    done = run(
        [spec("a"), spec("secret", hidden=True)],
        public='@check("a")\ndef test_a(): pass\n\ndef test_no_check(): wrong("never")\n',
        hidden='@check("secret")\ndef test_b(): wrong("never")\n',
        chosen=("a",),
    )
    assert done.verdicts == [("a", "passed")]


def test_hidden_checks_need_not_be_there(run: Callable[..., Ran]) -> None:
    """Students have the public folder alone."""
    done = run([spec("a"), spec("secret", hidden=True)], public='@check("a")\ndef test_a(): pass\n', chosen=("a",))
    assert done.verdicts == [("a", "passed")]


def test_a_check_whose_need_did_not_pass_is_blocked(run: Callable[..., Ran]) -> None:
    """It does not run, and says what it waits for; who needs it waits for it in turn."""
    done = run(
        [spec("a"), spec("b", needs=("a",)), spec("c", needs=("b",)), spec("d")],
        public="".join(
            f'@check("{name}")\ndef test_{name}(): wrong("{name}-wrong")\n\n' for name in "abc"
        ) + '@check("d")\ndef test_d(): pass\n',
    )  # fmt: skip
    assert done.verdicts == [("a", "failed"), ("b", "blocked"), ("c", "blocked"), ("d", "passed")]
    assert [done.outcomes[name].blocked_by for name in "abcd"] == ["", "a", "b", ""]
    assert done.outcomes["a"].reason == "a-wrong"


def test_a_need_that_is_not_in_the_run_blocks_nothing(run: Callable[..., Ran]) -> None:
    """It passed in an earlier part of the same grading, or was judged by whoever chose the checks."""
    done = run(
        [spec("a"), spec("b", needs=("a",))],
        public='@check("a")\ndef test_a(): pass\n\n@check("b")\ndef test_b(): pass\n',
        chosen=("b",),
    )
    assert done.verdicts == [("b", "passed")]


def test_a_finding_that_decides_a_check_fails_it_before_it_runs(run: Callable[..., Ran], tmp_path: Path) -> None:
    """With the finding's own code and words; other findings decide nothing."""
    ran = tmp_path / "ran"
    finding = Finding(
        code="replicas-cannot-start", severity="warning", message=msg("fixed port"), file="compose.yaml", line=7
    )
    done = run(
        [spec("a", fails_on=("replicas-cannot-start",)), spec("b", fails_on=("other",)), spec("c", needs=("a",))],
        public=f'@check("a")\ndef test_a(): open({str(ran)!r}, "w")\n\n'
        '@check("b")\ndef test_b(): pass\n\n@check("c")\ndef test_c(): pass\n',
        findings=(finding,),
    )
    assert done.verdicts == [("a", "failed"), ("b", "passed"), ("c", "blocked")]
    assert done.outcomes["a"].reason == "replicas-cannot-start"
    assert done.outcomes["a"].observed == finding.message
    assert not ran.exists()


def test_a_fixture_that_fails_counts_once(run: Callable[..., Ran]) -> None:
    """pytest raises the same exception for everybody who asks for a session's fixture: the second check is blocked."""
    done = run(
        [spec("a"), spec("b"), spec("c")],
        public='import pytest\n\n@pytest.fixture(scope="session")\ndef outage(): wrong("message-lost")\n\n'
        '@check("a")\ndef test_a(outage): pass\n\n@check("b")\ndef test_b(outage): pass\n\n'
        '@check("c")\ndef test_c(): pass\n',
    )
    assert done.verdicts == [("a", "failed"), ("b", "blocked"), ("c", "passed")]
    assert done.outcomes["b"].blocked_by == "a"


def test_a_service_that_never_came_up_fails_the_check_that_asks_for_it(run: Callable[..., Ran]) -> None:
    """By the grader's own fixture, with the reason that was found when it was started."""
    down = ServiceState(ready=False, reason="broker-user-not-declared")
    done = run([spec("a")], public='@check("a")\ndef test_a(rabbitmq): pass\n', services={"rabbitmq": down})
    assert [(o.verdict, o.reason) for o in done.outcomes.values()] == [("failed", "broker-user-not-declared")]


def test_a_check_may_block_itself(run: Callable[..., Ran]) -> None:
    """Where it cannot tell its own finding from another check's."""
    done = run([spec("a"), spec("b")], public='@check("b")\ndef test_b(): blocked("a")\n')
    assert [(o.verdict, o.blocked_by) for o in done.outcomes.values()] == [("blocked", "a")]


def test_what_a_check_leaves_behind_is_known_to_the_next_one(run: Callable[..., Ran]) -> None:
    """After a failure the stack is dirty; after a check that was blocked it is as it was."""
    done = run(
        [spec("a"), spec("b", needs=("a",))],
        public='@check("a")\ndef test_a(): wrong("x")\n\n@check("b")\ndef test_b(): pass\n',
    )
    assert (done.environment.dirty, done.environment.failed) == (True, {"a"})


@pytest.mark.parametrize("where", ["call", "teardown"])
def test_our_own_mistake_is_an_error(run: Callable[..., Ran], where: str) -> None:
    """In the check, or in what cleans up after it: it costs no points."""
    body = {"call": "raise RuntimeError", "teardown": "pass"}[where]
    done = run(
        [spec("a")],
        public="import pytest\n\n@pytest.fixture\ndef after():\n    yield\n"
        f'    if "{where}" == "teardown": raise RuntimeError\n\n@check("a")\ndef test_a(after): {body}\n',
    )
    assert [(o.verdict, o.reason) for o in done.outcomes.values()] == [("error", "grader-error")]


def test_what_fails_while_the_machine_does_is_an_error(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check says nothing of a submission whose engine or gateway is gone."""
    monkeypatch.setattr(Offline, "canary", False)
    done = run([spec("a")], public='@check("a")\ndef test_a(): wrong("message-lost")\n')
    assert done.verdicts == [("a", "error")]


def test_a_file_that_cannot_be_imported_is_told(run: Callable[..., Ran]) -> None:
    """It is ours: whoever reads the pipe knows that checks are missing, and why."""
    done = run(
        [spec("a"), spec("b", hidden=True)],
        public='@check("a")\ndef test_a(): pass\n',
        hidden="import there_is_no_such_module\n",
    )
    broken = [m for m in done.messages if isinstance(m, Broken)]
    assert len(broken) == 1
    assert "there_is_no_such_module" in broken[0].error


def test_a_session_that_cannot_be_read_is_told(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe says so before pytest ends."""
    file = pytester.path / "session.json"
    file.write_text("{}")
    reading, writing = os.pipe()
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv(SESSION_VARIABLE, str(file))
    monkeypatch.setenv(CHANNEL_VARIABLE, str(writing))
    assert pytester.inline_run("-p", "grader.checks.plugin").ret == pytest.ExitCode.INTERNAL_ERROR
    (message,) = said(reading, ())
    assert isinstance(message, Broken)


def test_a_subject_is_there_for_tests_and_conftests(run: Callable[..., Ran]) -> None:
    """Its names can be imported, also by a conftest.py, which pytest reads first; its fixtures can be asked for."""
    ran = run(
        [spec("a"), spec("b", hidden=True)],
        "from subject import NAME\n@check('a')\ndef test_a(thing):\n    assert thing == NAME",
        "@check('b')\ndef test_b(other):\n    assert other == 'thing, seen'",
        beside={
            "subject.py": "import pytest\nNAME = 'thing'\n@pytest.fixture\ndef thing():\n    return NAME",
            "hidden/conftest.py": "import pytest\nfrom subject import NAME\n"
            "@pytest.fixture\ndef other(thing):\n    return f'{NAME}, seen'",
        },
    )
    assert ran.verdicts == [("a", "passed"), ("b", "passed")]
