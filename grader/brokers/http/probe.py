"""HTTP as the grader speaks it to a submission: bounded answers, every request and response in the History."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpcore
import msgspec

from grader.brokers.http import BROKER
from grader.polling import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from grader.probes.reach import Stack
    from grader.probes.recorder import Recorder

MAX_BODY = 1_000_000
HTTP_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


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

    @property
    def shown(self) -> Any:
        """What a reader gets: the JSON value of a 200, else a word on what came instead."""
        return self.json() if self.status == 200 else self.summary()

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

    def __init__(self, stack: Stack, recorder: Recorder, target: str, port: int = BROKER.port) -> None:
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
        host, port = self._stack.address(self.target, self._port)
        content = None if body is None else json.dumps(body).encode()
        headers = [("Accept", "*/*"), *([] if content is None else [("Content-Type", "application/json")])]
        backend = _Backend(Deadline(within))
        try:
            with (
                httpcore.ConnectionPool(network_backend=backend) as pool,
                pool.stream(method, f"http://{host}:{port}{path}", headers=headers, content=content) as response,
            ):
                received = bytearray()
                for chunk in response.iter_stream():
                    received += chunk
                    if len(received) > MAX_BODY:
                        return Answer(status=0, error="the answer is larger than 1 MB")
                return Answer(status=response.status, body=bytes(received))
        except httpcore.TimeoutException:
            return Answer(status=0, error=f"no whole answer within {within:g} s")
        except (*HTTP_ERRORS, httpcore.UnsupportedProtocol, OSError, ValueError) as error:
            return Answer(status=0, error=type(error).__name__)


class _Backend(httpcore.SyncBackend):
    """Sockets whose waits all end with one deadline: whoever answers byte by byte is not waited for byte by byte."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        del timeout
        left = self._left(httpcore.ConnectTimeout)
        stream = super().connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(stream, self._left)

    def _left(self, late: type[Exception]) -> float:
        if self._deadline.passed():
            raise late
        return max(self._deadline.left(), 0.001)


class _Stream(httpcore.NetworkStream):
    """A connection that asks how long it may still wait."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[type[Exception]], float]) -> None:
        self._stream = stream
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self._stream.read(max_bytes, self._left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._stream.write(buffer, self._left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
