"""Carrying bytes between two connections: for the forwarder, and inside the gateway's and the egress's containers.

There it runs with the standard library alone (Python >= 3.9); see `gateway.program_archive`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

_CHUNK = 65536


def abort(writer: asyncio.StreamWriter) -> None:
    """Close so that the peer sees a reset, which tells it apart from an orderly end."""
    with contextlib.suppress(OSError):
        raw = writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle_s: float | None = None) -> None:
    """Carry bytes one way to their end; raises asyncio.TimeoutError after `idle_s` seconds without any."""
    while data := await asyncio.wait_for(reader.read(_CHUNK), idle_s):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def join(
    a_reader: asyncio.StreamReader,
    a_writer: asyncio.StreamWriter,
    b_reader: asyncio.StreamReader,
    b_writer: asyncio.StreamWriter,
    idle_s: float | None = None,
) -> None:
    """Carry bytes both ways until both sides have ended; an error on one side, or idleness, resets both."""
    ways = (a_reader, b_writer), (b_reader, a_writer)
    pumps = [asyncio.ensure_future(pump(reader, writer, idle_s)) for reader, writer in ways]
    try:
        await asyncio.gather(*pumps)
    except (OSError, asyncio.TimeoutError):  # noqa: UP041 - not the same class before 3.11
        abort(a_writer)
        abort(b_writer)
    finally:
        for each in pumps:
            each.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        a_writer.close()
        b_writer.close()
