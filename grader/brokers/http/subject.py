"""A submission with HTTP services: a client of each, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.authoring.subject import Subject
from grader.errors import CheckFailure

if TYPE_CHECKING:
    from grader.authoring.environment import Environment
    from grader.brokers.http.probe import HTTP


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

    def _client(self, target: str) -> HTTP:
        client: HTTP = self.environment.probe("http", target)
        return client
