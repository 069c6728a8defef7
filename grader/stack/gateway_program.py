"""The program inside a stack's gateway container: a SOCKS5 proxy for the grader and a DNS server that knows no names.

It runs with the standard library alone (Python >= 3.9) and the relay beside it. SOCKS listens on the edge network's
address only, asks for a password, and connects only to addresses inside the stack's networks. DNS listens on the inner
addresses and answers NXDOMAIN to everything, so that a name which the engine cannot resolve fails at once and not after
ten seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hmac
import ipaddress
import os
import socket
import struct
import sys

from grader.stack.relay import abort, join, pump

SOCKS_PORT = 1080
DNS_PORT = 53
CANARY_HOST = "grader.canary"  # a destination inside this program, which echoes
_SIOCGIFADDR = 0x8915
_SIOCGIFNETMASK = 0x891B
_HANDSHAKE_S = 5.0
_CONNECT_S = 5.0
_OK, _NOT_ALLOWED, _UNREACHABLE, _REFUSED, _BAD_COMMAND, _BAD_ADDRESS = 0, 2, 4, 5, 7, 8


def edge_device() -> str:
    """Return the interface that carries the default route: the edge network is the only one that has a way out."""
    with open("/proc/net/route", encoding="ascii") as table:  # noqa: PTH123 - runs alone in the container
        for line in table.readlines()[1:]:
            fields = line.split()
            if fields[1] == "00000000" and int(fields[3], 16) & 1:
                return fields[0]
    return ""


def _ioctl_address(probe: socket.socket, device: str, request: int) -> str:
    packed = fcntl.ioctl(probe.fileno(), request, struct.pack("256s", device.encode()[:15]))
    return socket.inet_ntoa(packed[20:24])


def interfaces() -> dict[str, ipaddress.IPv4Interface]:
    """Return device -> address of every interface but loopback, as they are now."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, device in socket.if_nameindex():
            with contextlib.suppress(OSError):
                address = _ioctl_address(probe, device, _SIOCGIFADDR)
                mask = _ioctl_address(probe, device, _SIOCGIFNETMASK)
                if not address.startswith("127."):
                    found[device] = ipaddress.IPv4Interface(f"{address}/{mask}")
    return found


def inner_networks() -> list[ipaddress.IPv4Network]:
    """Return the stack's networks; read anew each time, since networks may be connected later."""
    edge = edge_device()
    return [interface.network for device, interface in interfaces().items() if device != edge]


async def _authenticate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Speak RFC 1928's greeting and RFC 1929's password exchange."""
    version, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    if version != 5 or 2 not in methods:
        writer.write(b"\x05\xff")
        return False
    writer.write(b"\x05\x02")
    _, length = await reader.readexactly(2)
    user = await reader.readexactly(length)
    (length,) = await reader.readexactly(1)
    password = await reader.readexactly(length)
    good = hmac.compare_digest(user, os.environ["GRADER_SOCKS_USER"].encode())
    good &= hmac.compare_digest(password, os.environ["GRADER_SOCKS_PASSWORD"].encode())
    writer.write(b"\x01\x00" if good else b"\x01\x01")
    return good


async def _destination(reader: asyncio.StreamReader) -> tuple[int, str, int]:
    """Read the request; return (error code or 0, host, port)."""
    _, command, _, kind = await reader.readexactly(4)
    if kind == 1:
        host = socket.inet_ntoa(await reader.readexactly(4))
    elif kind == 3:
        (length,) = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode("ascii", "replace")
    else:
        return _BAD_ADDRESS, "", 0
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return (_OK if command == 1 else _BAD_COMMAND), host, port


async def _inside(host: str, port: int) -> str | None:
    """Return an address of `host` inside the stack's networks, or None."""
    allowed = inner_networks()
    found = await asyncio.get_running_loop().getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    return next((a for a in addresses if any(ipaddress.ip_address(a) in n for n in allowed)), None)


async def _connect(host: str, port: int) -> tuple[int, tuple[asyncio.StreamReader, asyncio.StreamWriter] | None]:
    try:
        address = await _inside(host, port)
        if address is None:
            return _NOT_ALLOWED, None
        return _OK, await asyncio.wait_for(asyncio.open_connection(address, port), _CONNECT_S)
    except ConnectionRefusedError:
        return _REFUSED, None
    except (OSError, asyncio.TimeoutError):  # noqa: UP041 - not the same class before 3.11
        return _UNREACHABLE, None


def _reply(code: int) -> bytes:
    return bytes((5, code, 0, 1)) + bytes(6)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    peer = ipaddress.ip_address(writer.get_extra_info("peername")[0])
    if any(peer in network for network in inner_networks()):
        return
    if not await asyncio.wait_for(_authenticate(reader, writer), _HANDSHAKE_S):
        return
    code, host, port = await asyncio.wait_for(_destination(reader), _HANDSHAKE_S)
    if code == _OK and host == CANARY_HOST:
        writer.write(_reply(_OK))
        await pump(reader, writer)
        return
    streams = None
    if code == _OK:
        code, streams = await _connect(host, port)
    writer.write(_reply(code))
    await writer.drain()
    if streams:
        await join(reader, writer, *streams)


async def socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one SOCKS client."""
    try:
        await _serve(reader, writer)
        writer.close()
    except (OSError, EOFError, asyncio.TimeoutError, ValueError):  # noqa: UP041 - as above
        abort(writer)


def no_such_name(query: bytes) -> bytes | None:
    """Return the NXDOMAIN answer to a DNS query, or None for what is not one (RFC 1035, 4.1)."""
    if len(query) < 17 or query[2] & 0x80:
        return None
    end = 12
    while end < len(query) and query[end]:
        if query[end] > 63:
            return None
        end += query[end] + 1
    end += 5  # the root label, type and class
    if end > len(query):
        return None
    recursion_desired = query[2] & 1
    return query[:2] + bytes((0x80 | recursion_desired, 0x83)) + b"\x00\x01" + bytes(6) + query[12:end]


class _Dns(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = no_such_name(data)
        if answer:
            self._transport.sendto(answer, addr)  # type: ignore[attr-defined]  # a datagram transport it is


async def dns_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer DNS over TCP (two bytes of length before each message)."""
    with contextlib.suppress(OSError, EOFError, asyncio.TimeoutError):
        while True:
            (length,) = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), _HANDSHAKE_S))
            answer = no_such_name(await asyncio.wait_for(reader.readexactly(length), _HANDSHAKE_S))
            if answer is None:
                break
            writer.write(struct.pack("!H", len(answer)) + answer)
            await writer.drain()
    writer.close()


async def serve() -> None:
    """Listen, say "ready", and serve until killed."""
    edge = edge_device()
    here = interfaces()
    loop = asyncio.get_running_loop()
    # 127.0.0.1 as well: it is this container's own resolver, which must not ask the host about unknown names.
    for address in ["127.0.0.1", *(str(i.ip) for device, i in here.items() if device != edge)]:
        await loop.create_datagram_endpoint(_Dns, local_addr=(address, DNS_PORT))
        await asyncio.start_server(dns_stream, address, DNS_PORT)
    server = await asyncio.start_server(socks, str(here[edge].ip), SOCKS_PORT)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
