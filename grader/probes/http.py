"""HTTP as the grader speaks it to a submission: bounded answers, every request and response in the History."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

if TYPE_CHECKING:
    from grader.probes.recorder import Recorder
    from grader.stack.stack import Stack

MAX_BODY = 1_000_000
CHUNK = 65_536


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer, or its absence. status: 0 when there was none (`error` says why); seconds: until it was whole."""

    status: int
    body: bytes = b""
    seconds: float = 0.0
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the service said 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the body's JSON value, or None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def summary(self) -> str:
        """Return status and the body's beginning for a report."""
        if not self.status:
            return self.error or "no answer"
        return f"{self.status} {self.body[:200].decode('utf-8', 'backslashreplace')}".strip()


class HTTP:
    """A client of one service of the stack (or of one of its containers), by name."""

    def __init__(self, stack: Stack, recorder: Recorder, target: str, port: int = 3000) -> None:
        self._stack = stack
        self._recorder = recorder
        self.target = target
        self._port = port

    def request(
        self, method: str, path: str, *, body: Any = None, within: float = 10.0, subject: str = "", quiet: bool = False
    ) -> Answer:
        """Send one request; the whole answer must come within `within` seconds. Never raises for a bad server."""
        if not quiet:
            self._recorder.note("http", "request", subject=subject, actor=self.target, method=method, path=path)
        began = self._recorder.clock()
        answer = self._exchange(method, path, body, within)
        answer = msgspec.structs.replace(answer, seconds=self._recorder.clock() - began)
        if not quiet:
            self._recorder.note(
                "http", "response", subject=subject, actor=self.target, status=answer.status, error=answer.error
            )
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        """Send a GET request."""
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> Answer:
        """Send a POST request with a JSON body."""
        return self.request("POST", path, body=body, **options)

    def healthy(self) -> bool:
        """Say whether GET /health answers 200."""
        return self.get("/health", within=2.0, quiet=True).status == 200

    def _exchange(self, method: str, path: str, body: Any, within: float) -> Answer:
        began = self._recorder.clock()
        host, port = self._stack.address(self.target, self._port)
        try:
            with (
                httpx.Client(trust_env=False, timeout=within, follow_redirects=False) as client,
                client.stream(method, f"http://{host}:{port}{path}", json=body) as response,
            ):
                received = bytearray()
                for chunk in response.iter_raw(CHUNK):
                    received += chunk
                    if len(received) > MAX_BODY:
                        return Answer(status=0, error="the answer is larger than 1 MB")
                    if self._recorder.clock() - began > within:
                        return Answer(status=0, error=f"the answer was not whole after {within:g} s")
                return Answer(status=response.status_code, body=bytes(received))
        except httpx.TimeoutException:
            return Answer(status=0, error=f"no answer within {within:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Answer(status=0, error=type(error).__name__)
