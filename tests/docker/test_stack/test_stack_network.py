"""What the gateway lets through, and what it keeps apart."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pika
import pytest
import python_socks
from python_socks.sync import Proxy

from grader.brokers.rabbitmq.probe import BROKER_ERRORS, connect
from grader.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker

# Connects from inside a container; prints "connected" or why not.
REACH = """
import socket, sys
for place in sys.argv[1:]:
    host, port = place.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        print(place, "connected")
    except OSError as error:
        print(place, "failed", type(error).__name__, error)
"""

LOOK_UP = """
import socket, sys, time
for name in sys.argv[1:]:
    began = time.monotonic()
    try:
        print("found", socket.gethostbyname(name), time.monotonic() - began)
    except OSError:
        print("unknown", name, time.monotonic() - began)
"""


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack], echo: Callable[..., dict[str, Any]], python_image: str) -> Stack:
    made = make_stack(
        {
            "rabbitmq": {"image": "grader.local/rabbitmq:4-management"},
            "echo": echo(scale=2),
            "other": echo(networks=["back"]),
            "guest": {
                "image": python_image,
                "command": ["sleep", "600"],
                "network_mode": "service:other",
            },
            "both": echo(networks={"front": {"aliases": ["known-as"]}, "back": {}}),
        },
        compose={"networks": {"default": {}, "front": {}, "back": {}}},
        replicas={"echo": 2},
    )
    made.up(deps=True)
    return made


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    """A port of the host that is open on all of its addresses."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def inside(stack: Stack, container: str, program: str, *arguments: str) -> list[str]:
    code, output = stack.container(container).exec(["python3", "-c", program, *arguments], deadline_s=30)
    assert code == 0, output
    return output.splitlines()


def edge_of(stack: Stack) -> dict[str, Any]:
    networks = stack.client.api.inspect_container(stack.info.gateway.container)["NetworkSettings"]["Networks"]
    return networks[f"{stack.info.project}_edge.grader"]


def proxied(stack: Stack, host: str, port: int, *, password: str = "") -> socket.socket:
    door = stack.info.gateway
    proxy = Proxy(python_socks.ProxyType.SOCKS5, door.host, door.port, door.user, password or door.password, rdns=True)
    return proxy.connect(host, port, timeout=8)


def test_amqp_client_reaches_the_broker(stack: Stack) -> None:
    """pika declares, publishes and reads through the forwarder."""
    host, port = stack.address("rabbitmq", 5672)
    parameters = pika.ConnectionParameters(host, port, socket_timeout=2)
    client = eventually(lambda: connect(parameters), within=60, what="the broker answers", retry_on=BROKER_ERRORS)
    channel = client.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.confirm_delivery()
    body = b"x" * 300_000
    channel.basic_publish("", queue, body, mandatory=True)
    assert channel.basic_get(queue)[2] == body
    client.close()


def test_a_service_and_a_container_have_addresses_of_their_own(stack: Stack, talk: Callable[..., str]) -> None:
    """A service leads to one of its containers, a container's name to just that one, on whichever network it is."""
    second = stack.container("echo-2")
    assert f"{second.hostname} hello" == talk(stack.address("echo-2", 7000))
    assert talk(stack.address("echo", 7000)) in {f"{c.hostname} hello" for c in stack.containers("echo")}
    assert f"{stack.container('other-1').hostname} hello" == talk(stack.address("other", 7000))
    assert talk(stack.address("guest", 7000)) == talk(stack.address("other", 7000))
    assert stack.address("echo", 7000) == stack.address("echo", 7000)


def test_nobody_listening_is_a_reset(stack: Stack, talk: Callable[..., str]) -> None:
    """A closed port and an unknown service end the connection at once."""
    assert talk(stack.address("echo", 7001)) == "reset"
    assert talk(stack.address("nobody", 7000)) == "reset"


def test_a_container_that_came_back_elsewhere_is_found(stack: Stack, talk: Callable[..., str]) -> None:
    """Each connection asks for the container's present address."""
    address = stack.address("other", 7000)
    (before,) = stack.containers("other")
    before.remove()
    assert talk(address) == "reset"
    stack.up(["other"], deps=False)
    (after,) = stack.containers("other")
    eventually(lambda: talk(address) == f"{after.hostname} hello", within=10, what="the new container answers")


def test_the_gateway_is_not_a_way_out(stack: Stack) -> None:
    """SOCKS connects to the stack's own networks only, whoever asks."""
    for place in (edge_of(stack)["Gateway"], "192.0.2.1", "127.0.0.1", "169.254.169.254"):
        with pytest.raises(python_socks.ProxyError) as refused:
            proxied(stack, place, 22)
        assert refused.value.error_code == 2


def test_the_gateway_asks_for_the_password(stack: Stack) -> None:
    """A wrong password opens nothing."""
    with pytest.raises(python_socks.ProxyError):
        proxied(stack, stack.container("echo-1").ip, 7000, password="wrong")
    proxied(stack, stack.container("echo-1").ip, 7000).close()


def test_containers_cannot_use_the_gateway(stack: Stack) -> None:
    """From inside, no address of the gateway has the SOCKS port."""
    networks = stack.client.api.inspect_container(stack.info.gateway.container)["NetworkSettings"]["Networks"]
    places = [f"{end['IPAddress']}:1080" for end in networks.values()]
    assert len(places) == 4
    assert all(" failed " in line for line in inside(stack, "both-1", REACH, *places))


def test_containers_reach_neither_the_host_nor_the_world(stack: Stack, listener: int) -> None:
    """What listens on all addresses of the host stays out of reach; the gateway, on an ordinary network, sees it."""
    networks = stack.client.api.inspect_container(stack.info.gateway.container)["NetworkSettings"]["Networks"]
    edge = edge_of(stack)["Gateway"]
    firsts = [end["IPAddress"].rpartition(".")[0] + ".1" for end in networks.values()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells the host's own address
        own = probe.getsockname()[0]
    places = [f"{address}:{listener}" for address in {edge, own, "172.17.0.1", *firsts}]
    lines = inside(stack, "both-1", REACH, *places, "192.0.2.1:80")
    assert len(places) + 1 == len(lines)
    assert all(" failed " in line for line in lines), lines

    gateway = stack.client.containers.get(stack.info.gateway.container)
    _, seen = gateway.exec_run(["python3", "-c", REACH, f"{edge}:{listener}"])
    assert b"connected" in seen


def test_names_resolve_or_fail_at_once(stack: Stack) -> None:
    """Services and aliases resolve; outside names and stopped services fail in well under a second."""
    found = inside(stack, "both-1", LOOK_UP, "other", "both", "known-as")
    assert [line.split()[0] for line in found] == ["found"] * 3
    stopped = stack.containers("echo")
    for container in stopped:
        container.stop(1)
    unknown = inside(stack, "both-1", LOOK_UP, "echo", "example.com")
    for container in stopped:
        container.start()
    assert [line.split()[0] for line in unknown] == ["unknown"] * 2
    assert max(float(line.split()[2]) for line in unknown) < 1.0


def test_the_canary_sings_while_the_gateway_lives(make_stack: Callable[..., Stack], echo: Any) -> None:
    """It is true on a sound stack and false without the gateway."""
    stack = make_stack({"echo": echo()})
    assert stack.canary()
    stack.client.containers.get(stack.info.gateway.container).kill()
    assert not stack.canary()
    stack.down()


def test_two_stacks_do_not_meet(make_stack: Callable[..., Stack], echo: Any, stack: Stack) -> None:
    """The same services run twice at once; neither finds the other, and one goes down without the other."""
    second = make_stack({"echo": echo(), "lonely": echo()})
    second.up(deps=True)
    theirs = {c.id for c in second.containers()}
    assert theirs.isdisjoint(c.id for c in stack.containers())
    assert inside(stack, "both-1", LOOK_UP, "lonely")[0].startswith("unknown")
    place = f"{second.container('echo-1').ip}:7000"
    assert " failed " in inside(stack, "both-1", REACH, place)[0]
    second.down()
    assert second.containers() == []
    assert len([c for c in stack.containers() if c.state().running]) == 6


def test_events_are_told_and_end_on_close(stack: Stack) -> None:
    """Another thread sees a container die with its exit code and start, on the stack's clock; closing ends it."""
    seen = []
    stream = stack.events()

    def read() -> None:
        seen.extend(stream)

    reader = threading.Thread(target=read)
    reader.start()
    target = stack.container("echo-2")
    began = stack.clock()
    target.kill()
    target.start()
    stack.container("echo-1").pause()
    stack.container("echo-1").unpause()
    eventually(lambda: any(e.action == "unpause" for e in seen), within=5, what="the last event is told")
    stream.close()
    reader.join(5)
    assert not reader.is_alive()
    told = [(e.container, e.action, e.exit_code) for e in seen]
    with stack.events(since=began) as again:
        assert next(e.exit_code for e in again if e.action == "die") == 137
    died = told.index(("echo-2", "die", 137))
    assert told.index(("echo-2", "start", None)) > died
    assert {("echo-1", "pause", None), ("echo-1", "unpause", None)} <= set(told)
    assert began - 0.1 <= seen[died].at <= stack.clock()
