"""Clients of Kafka that reach the broker through the gateway, whatever address it advertises, and create nothing.

A broker answers with addresses of its own choice, which the client then connects to: "kafka:29092", which this machine
cannot resolve, or "localhost:9092", which would be this machine. kafka-python lets a class of ours open each
connection; it goes to a loopback port that leads into the stack, and so never to anywhere else.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grader.polling import Deadline
    from grader.probes.reach import Stack

Client = TypeVar("Client", KafkaAdminClient, KafkaConsumer, KafkaProducer)
NAME = "grader"
SCHEME = "grader-stack"
CLOSE_S = 2.0
_LOOPBACK = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104 - compared with, not bound to

_dials: dict[str, Callable[[str, int], tuple[str, int]]] = {}
_numbers = itertools.count(1)
# What a broker that is away makes the library say is judged by us, and would fill the checks' output.
logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)


def is_loopback(host: str) -> bool:
    """Say whether an advertised host is the reader's own machine."""
    return host.lower().startswith(_LOOPBACK)


class _StackSocket(KafkaNetSocket):  # type: ignore[misc]  # the library has no types
    """Sockets of clients whose `proxy_url` has our scheme: where they lead to is looked up per connection."""

    SCHEMES = (SCHEME,)

    def __init__(self, proxy_url: str) -> None:
        self._dial = _dials[urlsplit(proxy_url).netloc]

    def dns_lookup(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        """Return the loopback port behind an address that the broker advertises."""
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", self._dial(host, port))]

    async def sock_connect(self, net: Any, sock: socket.socket, sockaddr: Any, timeout_at: float | None = None) -> Any:
        """Connect as the library does, and close the socket where it would leave it open: when that fails."""
        try:
            return await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:  # also when the client is closed in the middle of it
            sock.close()
            raise


class _Opened:
    """Makes the network side of a client, and remembers it: one that fails to start leaves its thread running."""

    def __init__(self) -> None:
        self._clients: list[KafkaNetClient] = []

    def __call__(self, **configs: Any) -> KafkaNetClient:
        client = KafkaNetClient(**configs)
        # Consumer and producer take this setting and do not hand it on; a look at a topic must never make it.
        client.cluster.config["allow_auto_create_topics"] = False
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            with contextlib.suppress(KafkaError, OSError, RuntimeError):
                client.close()
            with contextlib.suppress(KafkaError, OSError, RuntimeError):
                client._manager._net.stop()  # the library does it only for clients that have started


def reach(stack: Stack, service: str, port: int) -> Callable[[str, int], tuple[str, int]]:
    """Return how to get to the brokers that `port` of `service` names: another broker by its own name, else there."""

    def dial(host: str, advertised: int) -> tuple[str, int]:
        if host == service or is_loopback(host):
            return stack.address(service, port)
        if host in stack.info.services:
            return stack.address(host, advertised)
        for container in stack.containers():
            if container.service != service and host in {container.hostname, *container.listed_addresses.values()}:
                return stack.address(container.name, advertised)
        return stack.address(service, port)

    return dial


@contextlib.contextmanager
def opened(
    kind: type[Client], stack: Stack, service: str, port: int, *, patience_s: float, **configs: Any
) -> Iterator[Client]:
    """Open a client at `port` of `service` for one short use. Raises KafkaError, OSError.

    patience_s: how long the first answer may take, and each answer after it.
    """
    number = str(next(_numbers))
    _dials[number] = reach(stack, service, port)
    connections = _Opened()
    try:
        client = kind(
            bootstrap_servers=f"{service}:{port}",
            bootstrap_timeout_ms=round(patience_s * 1000),
            request_timeout_ms=round(patience_s * 1000),
            reconnect_backoff_ms=50,
            reconnect_backoff_max_ms=500,
            client_id=NAME,
            proxy_url=f"{SCHEME}://{number}",
            kafka_client=connections,
            **configs,
        )
        try:
            yield client
        finally:
            _close(client)
    finally:
        connections.close()
        del _dials[number]


def _close(client: Any) -> None:
    """Close a client; the broker may have gone, and what was asked is done by then."""
    with contextlib.suppress(KafkaError, OSError):
        if isinstance(client, KafkaProducer):
            client.close(timeout=CLOSE_S)
        elif isinstance(client, KafkaConsumer):
            client.close(autocommit=False)
        else:
            client.close()


def within(deadline: Deadline, most_s: float = 1.0) -> int:
    """Return what is left until a deadline in milliseconds, at most `most_s`."""
    return max(1, round(min(deadline.left(), most_s) * 1000))
