"""What checks ask of an HTTP service: real answers of a server on loopback."""

from __future__ import annotations

import http.server
import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader import CheckFailure, HTTPSubject
from grader.brokers.http.probe import HTTP, Answer
from grader.brokers.reasons import reasons_for
from grader.model.assignment import Limits
from grader.model.text import msg
from grader.probes.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from grader.model.reasons import Reason

pytestmark = pytest.mark.usefixtures("socket_enabled")
REASONS = """
refused:
  title: {es: "Título", en: "Title"}
  why: {es: "Por qué", en: "Why"}
  hint: {es: "Pista", en: "Hint"}
  expected: {es: "%(code)s", en: "%(code)s"}
  observed: {es: "fue %(answer)s", en: "it was %(answer)s"}
"""


class Service(http.server.BaseHTTPRequestHandler):
    """Accepts what has an even number, and is healthy."""

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(202 if body["n"] % 2 == 0 else 503)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class Environment:
    """A checks' environment with one service, `api`; none other ever came up."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.recorder = Recorder(lambda: 1.0)
        self.ids = self.faults = None
        self.assignment = SimpleNamespace(limits=Limits())

    def address(self, _target: str, _port: int) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def probe(self, _role: str, target: str) -> HTTP:
        if target != "api":
            raise CheckFailure("service-not-ready", expected=msg("it serves"), observed=msg("it was not"))
        return HTTP(self, self.recorder, target)  # type: ignore[arg-type]  # all that it asks of a stack

    def reasons(self) -> Mapping[str, Reason]:
        return reasons_for(self.folder)


@pytest.fixture
def subject(tmp_path: Path) -> Iterator[HTTPSubject]:
    (tmp_path / "reasons.yaml").write_text(REASONS, "utf-8")
    with http.server.HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield HTTPSubject(Environment(tmp_path, server.server_port))  # type: ignore[arg-type]
        server.shutdown()
        thread.join(5)


BODIES: list[dict[str, Any]] = [{"eventId": f"e{n}", "n": n} for n in range(4)]


def test_what_is_accepted_is_told_by_its_id(subject: HTTPSubject) -> None:
    """In whichever field the contract has it; a service that never came up has accepted nothing."""
    assert subject.accepted_by("api", "/events", *BODIES, identity="eventId") == ["e0", "e2"]
    assert subject.accepted_by("gone", "/events", *BODIES, identity="eventId") == []
    asked = subject.history().of("request", method="POST", path="/events")
    assert asked.subjects() == ("e0", "e1", "e2", "e3")


def test_what_must_be_accepted_fails_once_for_all_checks(subject: HTTPSubject) -> None:
    """With the same exception, so that one mistake is counted once."""
    assert subject.must_accept("api", "/events", BODIES[0], BODIES[2], otherwise="refused", identity="eventId") == [
        "e0",
        "e2",
    ]
    caught = []
    for _ in range(2):
        with pytest.raises(CheckFailure, match="refused") as raised:
            subject.must_accept("api", "/events", *BODIES, otherwise="refused", identity="eventId")
        caught.append(raised.value)
    assert caught[0] is caught[1]
    assert caught[0].observed.params == {"answer": "503"}


def test_a_status_is_one_of_those_that_are_right(subject: HTTPSubject) -> None:
    """The reason's words name what came, and what the check gives them."""
    subject.expect_status(Answer(status=404), 400, 404, otherwise="refused")
    with pytest.raises(CheckFailure, match="refused") as caught:
        subject.expect_status(Answer(status=0, error="no answer"), 200, otherwise="refused", code=200)
    assert (caught.value.expected.params, caught.value.observed.params) == ({"code": 200}, {"answer": "no answer"})


def test_health_is_waited_for_and_not_judged(subject: HTTPSubject) -> None:
    """That a service never came up is for the checks to say that need one."""
    assert subject.wait_healthy("api", 5.0)
    assert not subject.wait_healthy("gone", 0.0)


def test_what_a_reader_gets_is_a_value_or_a_word() -> None:
    """A 200 with a value, a 200 without, anything else."""
    assert Answer(status=200, body=b'{"id": 1}').shown == {"id": 1}
    assert Answer(status=200, body=b"oh").shown is None
    assert Answer(status=404, body=b'{"id": 1}').shown == '404 {"id": 1}'
