"""The HTTP probe against servers that misbehave: real sockets on loopback."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from grader.brokers.http.probe import HTTP
from grader.probes.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("socket_enabled")


class Here:
    """A stack that has one address."""

    def __init__(self, port: int) -> None:
        self.port = port

    def address(self, _target: str, _port: int) -> tuple[str, int]:
        return "127.0.0.1", self.port


@contextmanager
def server(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[HTTP]:
    """Serve one connection by `behave` and give a probe of it."""
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                with suppress(OSError):
                    behave(connection, over)
                    # closed with something unread, the kernel resets it and takes the answer along
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(5)
                    while connection.recv(65536):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        recorder = Recorder(lambda: 0.0)
        yield HTTP(Here(listening.getsockname()[1]), recorder, "api")  # type: ignore[arg-type]  # all that it asks of one
        over.set()
        thread.join(5)


def drip(*, headers: bool) -> Callable[[socket.socket, threading.Event], None]:
    """A byte now and then, for ever, in the headers or in the body."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"" if headers else b"Content-Length: 99999\r\n\r\n"))
        while not over.wait(0.05):
            connection.sendall(b"X")

    return behave


@pytest.mark.parametrize("headers", [True, False])
def test_an_answer_byte_by_byte_is_late(headers: bool) -> None:
    """The deadline counts for the whole answer."""
    with server(drip(headers=headers)) as http:
        answer = http.get("/", within=0.5)
    assert (answer.status, answer.error) == (0, "no whole answer within 0.5 s")


def test_megabytes_are_not_kept() -> None:
    """What goes on and on is cut off."""

    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"x" * 65536)

    with server(flood) as http:
        answer = http.get("/", within=30)
    assert (answer.status, answer.error) == (0, "the answer is larger than 1 MB")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhola", 200),
        (b"HTTP/1.1 200 OK\r\n\r\nhola", 200),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", 404),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nhola", 0),
        (b"hola", 0),
        (b"", 0),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, 0),
        (b"\x00\xff\r\n\r\n", 0),
    ],
)
def test_what_a_server_says_is_an_answer_or_none(said: bytes, status: int) -> None:
    """Never an exception."""
    with server(lambda connection, _over: connection.sendall(said)) as http:
        assert http.request("PUT", "/x", body={"a": 1}, within=5).status == status


def test_nobody_there() -> None:
    """A refused connection is an answer without a status."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
    answer = HTTP(Here(port), Recorder(lambda: 0.0), "api").get("/", within=2)  # type: ignore[arg-type]
    assert (answer.status, answer.error) == (0, "ConnectError")
