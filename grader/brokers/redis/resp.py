"""One command of Redis' protocol (RESP2) over a socket of its own: no client library in between that smooths things.

A client library logs in, retries and hides which of several replies was an error; who wants to know what a server
says to a stranger has to ask it as one.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from io import BufferedReader

MAX_LENGTH = 64 * 1024 * 1024


class RedisError(str):
    """An error reply, as the server wrote it ("NOAUTH Authentication required.")."""

    __slots__ = ()

    @property
    def code(self) -> str:
        """Its first word ("NOAUTH", "WRONGPASS", "LOADING", "ERR")."""
        return self.partition(" ")[0]


Reply: TypeAlias = "str | bytes | int | list[Reply] | RedisError | None"


def ask(address: tuple[str, int], *commands: tuple[str | bytes, ...], within: float) -> Reply:
    """Send commands one after another and return the reply to the last one, or the first error reply.

    Raises OSError when the server goes away, does not answer in time or does not speak RESP2.
    """
    reply: Reply = None
    with socket.create_connection(address, timeout=within) as connection, connection.makefile("rb") as stream:
        for command in commands:
            connection.sendall(encoded(command))
            reply = read(stream)
            if isinstance(reply, RedisError):
                return reply
    return reply


def encoded(words: tuple[str | bytes, ...]) -> bytes:
    """Return a command as an array of bulk strings."""
    blobs = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(blobs) + b"".join(b"$%d\r\n%s\r\n" % (len(blob), blob) for blob in blobs)


def read(stream: BufferedReader) -> Reply:
    """Read one reply. Status replies are str, bulk strings bytes."""
    line = stream.readline(65_536)
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("the connection ended before the reply was whole")
    kind, rest = line[:1], line[1:-2]
    try:
        match kind:
            case b"+":
                return rest.decode("utf-8", "replace")
            case b"-":
                return RedisError(rest.decode("utf-8", "replace"))
            case b":":
                return int(rest)
            case b"$":
                return _bulk(stream, int(rest))
            case b"*":
                length = int(rest)
                return None if length < 0 else [read(stream) for _ in range(length)]
    except ValueError as error:
        raise ConnectionAbortedError(f"not a reply of Redis: {line[:60]!r}") from error
    raise ConnectionAbortedError(f"not a reply of Redis: {line[:60]!r}")


def _bulk(stream: BufferedReader, length: int) -> bytes | None:
    if length < 0:
        return None
    if length > MAX_LENGTH:
        raise ConnectionAbortedError("the reply is too large")
    whole = stream.read(length + 2)
    if len(whole) != length + 2:
        raise ConnectionResetError("the connection ended before the reply was whole")
    return whole[:-2]
