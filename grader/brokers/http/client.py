"""How the grader talks to an HTTP service."""

from __future__ import annotations

from grader.brokers.client import Client
from grader.brokers.http.probe import HTTP, HTTP_ERRORS

CLIENT = Client(probe=HTTP, ready=HTTP.healthy, every_container=True, errors=HTTP_ERRORS)
