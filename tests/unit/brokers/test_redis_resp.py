"""Redis' protocol as our own reader takes it, whatever the other side of the socket is."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from grader.brokers.redis.resp import RedisError, ask, encoded, read

if TYPE_CHECKING:
    from collections.abc import Iterator


def reply(raw: bytes) -> object:
    return read(io.BufferedReader(io.BytesIO(raw)))


def test_replies_of_every_kind() -> None:
    """Status, error, number, bytes, nothing, and lists of them."""
    assert reply(b"+PONG\r\n") == "PONG"
    assert reply(b":42\r\n") == 42
    assert reply(b"$5\r\na\r\nb\xff\r\n") == b"a\r\nb\xff"
    assert reply(b"$-1\r\n") is None
    assert reply(b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n") == [b"a", [1]]


def test_an_error_is_a_value_with_a_code() -> None:
    """It is judged, not raised."""
    error = reply(b"-NOAUTH Authentication required.\r\n")
    assert isinstance(error, RedisError)
    assert error.code == "NOAUTH"
    assert error == "NOAUTH Authentication required."


@pytest.mark.parametrize("raw", [b"", b"+PO", b"HTTP/1.1 400 Bad Request\r\n", b"$5\r\nab", b"$x\r\n", b"\xff\xff\r\n"])
def test_what_is_no_reply_is_a_connection_that_failed(raw: bytes) -> None:
    """Another program on that port, or an end in the middle."""
    with pytest.raises(OSError, match="reply"):
        reply(raw)


def test_commands_are_arrays_of_bytes() -> None:
    """Whatever stands in them."""
    assert encoded(("SET", b"k\r\n", "ñ")) == b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n\xc3\xb1\r\n"


@contextmanager
def server(*answers: bytes) -> Iterator[tuple[str, int]]:
    """Answer one connection, a reply a request, then close."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                for answer in answers:
                    client.recv(1000)
                    client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()
        thread.join(5)


@pytest.mark.usefixtures("socket_enabled")
def test_a_refused_login_ends_the_conversation() -> None:
    """What was to be asked afterwards is not asked."""
    with server(b"-WRONGPASS no\r\n") as address:
        found = ask(address, ("AUTH", "x"), ("PING",), within=5)
    assert isinstance(found, RedisError)
    assert found.code == "WRONGPASS"


@pytest.mark.usefixtures("socket_enabled")
def test_the_last_reply_counts() -> None:
    """After a login that is accepted."""
    with server(b"+OK\r\n", b"+PONG\r\n") as address:
        assert ask(address, ("AUTH", "x"), ("PING",), within=5) == "PONG"


@pytest.mark.usefixtures("socket_enabled")
def test_a_server_that_leaves_is_an_os_error() -> None:
    """A forwarder accepts and closes when nobody listens behind it."""
    with server() as address, pytest.raises(OSError, match=r"reply|reset|Broken"):
        ask(address, ("PING",), within=5)
