"""Whatever the other side of a connection does, it is one of the errors that every caller expects."""

from __future__ import annotations

import errno
import socket
import struct
import threading

import pika
import pytest

from grader.brokers.rabbitmq.probe import BROKER_ERRORS, connect

pytestmark = pytest.mark.usefixtures("socket_enabled")

ATTEMPTS = 50
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset instead of a farewell


def test_a_reset_at_any_moment_is_a_broker_error() -> None:
    """A gateway in front of a starting broker resets: sometimes before pika has looked at its peer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                client.close()

        threading.Thread(target=refuse, daemon=True).start()
        parameters = pika.ConnectionParameters("127.0.0.1", server.getsockname()[1], socket_timeout=2, stack_timeout=2)
        for _ in range(ATTEMPTS):
            with pytest.raises(BROKER_ERRORS):
                connect(parameters)
        server.shutdown(socket.SHUT_RDWR)


def test_a_peer_gone_before_the_handshake_is_a_broker_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The race itself, forced: pika finds its socket without a peer."""

    def gone(_sock: socket.socket) -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(socket.socket, "getpeername", gone, raising=False)
        parameters = pika.ConnectionParameters("127.0.0.1", server.getsockname()[1], socket_timeout=2, stack_timeout=2)
        with pytest.raises(BROKER_ERRORS):
            connect(parameters)


def test_a_handshake_that_is_never_finished_is_a_broker_error() -> None:
    """A broker that has just been started on a busy machine takes the connection and says nothing in time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        parameters = pika.ConnectionParameters(
            "127.0.0.1", server.getsockname()[1], socket_timeout=0.2, stack_timeout=0.2
        )
        with pytest.raises(BROKER_ERRORS):
            connect(parameters)
