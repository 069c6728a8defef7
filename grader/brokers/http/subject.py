"""A submission with HTTP services: a client of each, made once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from grader.authoring.subject import Subject
from grader.errors import CheckFailure
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from grader.authoring.environment import Environment
    from grader.brokers.http.probe import HTTP, Answer


class HTTPSubject(Subject):
    """A subject that answers over HTTP."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._clients: dict[str, HTTP] = {}

    def http(self, service: str) -> HTTP:
        """Return a client of an HTTP service; that it never came up counts for one check."""
        if service not in self._clients:
            try:
                self._clients[service] = self._client(service)
            except CheckFailure as failure:
                self.once(service, failure)
        return self._clients[service]

    def each(self, service: str) -> list[HTTP]:
        """Return a client of each container of an HTTP service."""
        return [self._client(container.name) for container in self.environment.stack.containers(service)]

    def expect_status(self, answer: Answer, *statuses: int, otherwise: str, **facts: Any) -> None:
        """Fail unless an answer has one of these statuses; the reason's words may name it (`answer`) and the facts."""
        if answer.status not in statuses:
            self.fail(otherwise, answer=answer.summary(), **facts)

    def must_accept(
        self, service: str, path: str, *bodies: dict[str, Any], otherwise: str, identity: str = "id"
    ) -> list[str]:
        """POST each of the bodies, which must be answered with 2xx; return their ids.

        otherwise: the reason where one is not, whose words may name the `answer`; it counts for one check. identity:
        the field with a body's id.
        """
        for body in bodies:
            answer = self.http(service).post(path, body, subject=body[identity])
            if not answer.accepted:
                self.once(f"{service}: POST {path}", self.failure(otherwise, answer=answer.summary()))
        return [body[identity] for body in bodies]

    def accepted_by(
        self, service: str, path: str, *bodies: dict[str, Any], within: float = 10.0, identity: str = "id"
    ) -> list[str]:
        """POST each of the bodies; return the ids of those answered with 2xx, none where the service never came up."""
        with contextlib.suppress(CheckFailure):
            client = self.http(service)
            answers = ((b[identity], client.post(path, b, within=within, subject=b[identity])) for b in bodies)
            return [name for name, answer in answers if answer.accepted]
        return []

    def wait_healthy(self, service: str, within: float) -> bool:
        """Wait until a service answers GET /health with 200; False where it does not, which is for a check to say."""
        with contextlib.suppress(DeadlineError, CheckFailure):
            return eventually(self.http(service).healthy, within=within, every=0.2, what=service)
        return False

    def _client(self, target: str) -> HTTP:
        client: HTTP = self.environment.probe("http", target)
        return client
