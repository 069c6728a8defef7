"""The program inside a build's egress container: the only way from build steps to the world, and to nothing near.

It runs with the standard library alone (Python >= 3.9) and the relay beside it, on Linux, with the capability NET_ADMIN
in a network namespace of its own. Build steps have it as their default gateway. It takes their TCP connections to any
address on the ports of package sources, and their DNS queries, in place of the address they were meant for, and opens
those that it allows anew. Nothing is routed: what it does not carry does not pass, and a private, link-local or own
address is never connected to.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import struct
import sys

from grader.stack.relay import abort, join

PORTS = (80, 443)
DNS_PORT = 53
_RESOLVER = ("127.0.0.11", DNS_PORT)  # the engine's own, on every network that a user has made
_DNS_S = 10.0
_CONNECT_S = 15.0
_IDLE_S = 180.0
_AT_ONCE = 256
_CHUNK = 65536
_TABLE = 100
_IP_PKTINFO, _IP_TRANSPARENT, _IP_RECVORIGDSTADDR = 8, 19, 20
# Not `is_private`: documentation ranges lead nowhere in the world, and in a laboratory they may be the way out.
_NEAR = [
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip


def networks(text: str) -> list[ipaddress.IPv4Network]:
    """Read a list of networks, separated by commas."""
    return [ipaddress.IPv4Network(part, strict=False) for part in text.split(",") if part]


def allowed(address: str, denied: list[ipaddress.IPv4Network], opened: list[ipaddress.IPv4Network]) -> bool:
    """Say whether a build step may reach an address. denied: the host's own ones; opened: what an operator allows."""
    ip = ipaddress.IPv4Address(address)
    if any(ip in net for net in denied):
        return False
    return any(ip in net for net in opened) or not any(ip in net for net in _NEAR)


# -- routes: rtnetlink(7), since the image has no `ip`

_AF_NETLINK, _NETLINK_ROUTE = 16, 0  # numbers of Linux, as all here; other platforms' `socket` has no such names
_ADD = 0x400 | 0x4 | 0x1  # NLM_F_CREATE, NLM_F_ACK, NLM_F_REQUEST
_REPLACE = _ADD | 0x100
_NEW_ADDRESS, _NEW_ROUTE, _NEW_RULE = 20, 24, 32


def _attribute(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + b"\0" * (-length % 4)


def _netlink(kind: int, flags: int, body: bytes) -> None:
    with socket.socket(_AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as link:
        link.bind((0, 0))
        link.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        answer = link.recv(_CHUNK)
    (code,) = struct.unpack("=i", answer[16:20])
    if code:
        raise OSError(-code, os.strerror(-code))


def take_over(device: str, gateway: ipaddress.IPv4Interface, edge: str, edge_gateway: str) -> None:
    """Be `gateway` on the build network's device, go out by the edge, and hear what build steps send to anybody."""
    index, out = socket.if_nametoindex(device), socket.if_nametoindex(edge)
    packed, way = gateway.ip.packed, socket.inet_aton(edge_gateway)
    length = gateway.network.prefixlen
    body = struct.pack("=BBBBI", socket.AF_INET, length, 0, 0, index)
    _netlink(_NEW_ADDRESS, _REPLACE, body + _attribute(2, packed) + _attribute(1, packed))
    # struct rtmsg: family, lengths of destination and source, tos, table, protocol (static), scope, type, flags
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 254, 4, 0, 1, 0)
    _netlink(_NEW_ROUTE, _REPLACE, body + _attribute(5, way) + _attribute(4, struct.pack("=I", out)))
    loopback = struct.pack("=I", socket.if_nametoindex("lo"))
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, _TABLE, 4, 254, 2, 0)
    _netlink(_NEW_ROUTE, _REPLACE, body + _attribute(4, loopback))
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, _TABLE, 0, 0, 1, 0)
    _netlink(_NEW_RULE, _ADD, body + _attribute(3, device.encode() + b"\0") + _attribute(6, struct.pack("=I", 100)))


def device_of(network: ipaddress.IPv4Network) -> str:
    """Return the interface whose own route is this network."""
    with open("/proc/net/route", encoding="ascii") as table:  # noqa: PTH123 - runs alone in the container
        for line in table.readlines()[1:]:
            fields = line.split()
            destination = ipaddress.IPv4Address(struct.pack("=I", int(fields[1], 16)))
            if destination == network.network_address and fields[2] == "00000000":
                return fields[0]
    raise SystemExit(f"no interface on {network}")


# -- what is carried


def _transparent(kind: socket.SocketKind, address: tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_IP, _IP_TRANSPARENT, 1)
    made.bind(address)
    made.setblocking(False)
    return made


class Egress:
    """Carries connections of one build network."""

    def __init__(
        self,
        inside: ipaddress.IPv4Network,
        denied: list[ipaddress.IPv4Network],
        opened: list[ipaddress.IPv4Network],
    ) -> None:
        self._inside = inside
        self._denied = denied
        self._opened = opened
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a build step: it was meant for the address that it came in at."""
        host, port = writer.get_extra_info("sockname")[:2]
        peer = ipaddress.IPv4Address(writer.get_extra_info("peername")[0])
        async with self._free:
            streams = None
            if peer in self._inside and (port == DNS_PORT or allowed(host, self._denied, self._opened)):
                with contextlib.suppress(OSError, asyncio.TimeoutError):
                    target = _RESOLVER if port == DNS_PORT else (host, port)
                    streams = await asyncio.wait_for(asyncio.open_connection(*target), _CONNECT_S)
            if streams is None:
                abort(writer)
                return
            await join(reader, writer, *streams, idle_s=_IDLE_S)

    def query(self, listener: socket.socket) -> None:
        """Take a DNS query; the answer comes from the address that was asked."""
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, asker = listener.recvmsg(4096, 128)
                if ipaddress.IPv4Address(asker[0]) not in self._inside:
                    continue
                asked = next((value for level, kind, value in ancillary if kind == _IP_RECVORIGDSTADDR), None)
                if asked is not None:
                    task = asyncio.ensure_future(self._answer(listener, data, asked[4:8], asker))
                    _RUNNING.add(task)
                    task.add_done_callback(_RUNNING.discard)

    async def _answer(self, listener: socket.socket, data: bytes, asked: bytes, asker: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        async with self._free:
            with (
                contextlib.suppress(OSError, asyncio.TimeoutError),
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as question,
            ):
                question.setblocking(False)
                question.connect(_RESOLVER)
                await loop.sock_sendall(question, data)
                found = await asyncio.wait_for(loop.sock_recv(question, _CHUNK), _DNS_S)
                # struct in_pktinfo; a second socket at that address would take the next queries
                source = (socket.SOL_IP, _IP_PKTINFO, struct.pack("=I4s4s", 0, asked, bytes(4)))
                listener.sendmsg([found], [source], 0, asker)


_RUNNING: set[asyncio.Task[None]] = set()  # tasks that nobody waits for are kept from being collected


async def serve() -> None:
    """Take the gateway's place, say "ready", and carry until killed."""
    gateway = ipaddress.IPv4Interface(os.environ["GRADER_BUILD_GATEWAY"])
    edge = ipaddress.IPv4Network(os.environ["GRADER_EDGE_NETWORK"])
    denied = [edge, gateway.network, *networks(os.environ.get("GRADER_DENIED", ""))]
    egress = Egress(gateway.network, denied, networks(os.environ.get("GRADER_OPENED", "")))
    loop = asyncio.get_running_loop()
    take_over(device_of(gateway.network), gateway, device_of(edge), os.environ["GRADER_EDGE_GATEWAY"])
    for port in (*PORTS, DNS_PORT):
        await asyncio.start_server(egress.connection, sock=_transparent(socket.SOCK_STREAM, ("0.0.0.0", port)))  # noqa: S104 - its own namespace
    listener = _transparent(socket.SOCK_DGRAM, ("0.0.0.0", DNS_PORT))  # noqa: S104
    listener.setsockopt(socket.SOL_IP, _IP_RECVORIGDSTADDR, 1)
    loop.add_reader(listener.fileno(), egress.query, listener)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
