"""Loopback ports of this process that lead to a service's port inside the stack, through the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

import python_socks
from python_socks.async_.asyncio import Proxy

from grader.errors import GraderError
from grader.stack.relay import abort, join

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.stack.info import GatewayInfo

_CONNECT_S = 10.0
_CLOSE_S = 2.0


class Forwarder:
    """Opens one loopback port for each (target, port) asked for, served by an event loop in a daemon thread.

    resolve: target -> IPv4 address, called (in a worker thread) for each new connection, so a container that came
    back with another address is found. Where it raises LookupError, or nobody listens, the client sees a reset.
    """

    def __init__(self, gateway: GatewayInfo, resolve: Callable[[str], str]) -> None:
        self._gateway = gateway
        self._resolve = resolve
        self._lock = threading.Lock()
        self._ports: dict[tuple[str, int], int] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def address(self, target: str, port: int) -> tuple[str, int]:
        """Return the loopback (host, port) that leads to `port` of `target`."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="forwarder", daemon=True)
                self._thread.start()
            if (target, port) not in self._ports:
                opened = asyncio.run_coroutine_threadsafe(self._listen(target, port), self._loop)
                self._ports[target, port] = opened.result(_CONNECT_S)
            return "127.0.0.1", self._ports[target, port]

    def close(self) -> None:
        """Close every port and connection; harmless when there is none."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
            self._ports.clear()
        if loop is None or thread is None:
            return
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._shut(), loop).result(_CLOSE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CLOSE_S)
        if not thread.is_alive():
            loop.close()

    async def _listen(self, target: str, port: int) -> int:
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task:
                self._connections.add(task)
            try:
                await self._carry(target, port, reader, writer)
            except asyncio.CancelledError:
                abort(writer)  # we are closing; a cancelled handler must end quietly
            finally:
                if task:
                    self._connections.discard(task)

        server = await asyncio.start_server(accepted, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _carry(self, target: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway = self._gateway
        try:
            host = await asyncio.get_running_loop().run_in_executor(None, self._resolve, target)
            proxy = Proxy(
                python_socks.ProxyType.SOCKS5, gateway.host, gateway.port, gateway.user, gateway.password, rdns=True
            )
            raw = await proxy.connect(host, port, timeout=_CONNECT_S)
            far_reader, far_writer = await asyncio.open_connection(sock=raw)
        except (
            LookupError,
            OSError,
            GraderError,
            python_socks.ProxyError,
            python_socks.ProxyTimeoutError,
            python_socks.ProxyConnectionError,
        ):
            abort(writer)
            return
        await join(reader, writer, far_reader, far_writer)

    async def _shut(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()
