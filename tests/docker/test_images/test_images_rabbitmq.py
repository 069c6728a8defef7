"""The equivalents of RabbitMQ start, are configured, and stop as the originals do."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import httpx
import pika
import pytest

from grader import polling
from grader.brokers.rabbitmq.probe import BROKER_ERRORS, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker.models.containers import Container

    from grader.model.grade import ResolvedImage

pytestmark = pytest.mark.docker

PORTS = {"5672/tcp": ("127.0.0.1", None), "15672/tcp": ("127.0.0.1", None)}
VERSIONS = [("rabbitmq:3-management", "3.10"), ("rabbitmq:4-management", "4.0")]
# Generous: measured are 4 s and 7 s on two free cores.
START_S = 60.0


def _port(broker: Container, port: str) -> int:
    broker.reload()
    return int(broker.ports[port][0]["HostPort"])


def _connect(broker: Container, user: str, password: str, vhost: str = "/") -> pika.BlockingConnection:
    """Connect as soon as the broker lets us."""
    parameters = pika.ConnectionParameters(
        "127.0.0.1",
        _port(broker, "5672/tcp"),
        virtual_host=vhost,
        credentials=pika.PlainCredentials(user, password),
        blocked_connection_timeout=10,
    )
    return polling.eventually(
        lambda: connect(parameters),
        within=START_S,
        every=0.2,
        what="the broker's AMQP handshake",
        retry_on=BROKER_ERRORS,
    )


def _exec(broker: Container, *command: str) -> str:
    code, out = broker.exec_run(list(command))
    assert code == 0, out.decode()
    return out.decode()


def _stop(broker: Container) -> int:
    broker.stop(timeout=60)
    return int(broker.wait(timeout=60)["StatusCode"])


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_as_it_comes(
    name: str, version: str, equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
):
    """Without configuration: guest from outside, management, tools for root, its own user, the log, a clean stop."""
    image = equivalent(name)
    assert image.version.startswith(version)
    broker = container(image.reference, hostname="rabbitmq", ports=PORTS)
    # A health check by root in the first second must not get in the server's way.
    broker.exec_run(["rabbitmq-diagnostics", "-q", "ping"])
    with contextlib.closing(_connect(broker, "guest", "guest")) as connection:
        assert connection.channel().queue_declare("q", durable=True).method.message_count == 0
    assert _exec(broker, "rabbitmqctl", "-q", "list_queues", "name", "durable").split() == [
        "name",
        "durable",
        "q",
        "true",
    ]
    assert "rabbitmq_management" in _exec(broker, "rabbitmq-plugins", "list", "-q", "-m", "-e")
    assert "Ping succeeded" in _exec(broker, "rabbitmq-diagnostics", "-q", "ping")
    overview = polling.eventually(
        lambda: httpx.get(
            f"http://127.0.0.1:{_port(broker, '15672/tcp')}/api/overview", auth=("guest", "guest"), trust_env=False
        ),
        within=20,
        what="the management API",
        retry_on=(httpx.HTTPError,),
    )
    assert overview.json()["rabbitmq_version"] == image.version
    assert overview.json()["node"] == "rabbit@rabbitmq"
    owners = {line.split()[0] for line in _exec(broker, "ps", "-eo", "uid=,comm=").splitlines() if "beam" in line}
    assert owners == {"999"}
    config = broker.image.attrs["Config"]
    assert config["Volumes"] == {"/var/lib/rabbitmq": {}}
    assert {"5672/tcp", "15672/tcp", "25672/tcp"} <= set(config["ExposedPorts"])
    assert config["Cmd"] == ["rabbitmq-server"]
    assert _stop(broker) == 0
    assert b"Server startup complete" in broker.logs()


DEFINITIONS = json.dumps(
    {
        "vhosts": [{"name": "/"}],
        "users": [{"name": "loaded", "password": "pw", "tags": "administrator"}],
        "permissions": [{"user": "loaded", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
        "queues": [{"name": "defined", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}],
    }
)


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_configured_by_variables(
    name: str, version: str, equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
):
    """User, password, vhost, node name and cookie come from the environment; guest is not there then."""
    broker = container(
        equivalent(name).reference,
        hostname="rabbitmq",
        ports=PORTS,
        environment={
            "RABBITMQ_DEFAULT_USER": "alice",
            "RABBITMQ_DEFAULT_PASS": "secret",
            "RABBITMQ_DEFAULT_VHOST": "shop",
            "RABBITMQ_NODENAME": "bunny@rabbitmq",
            "RABBITMQ_ERLANG_COOKIE": "CRUMBS",
        },
    )
    _connect(broker, "alice", "secret", "shop").close()
    assert _exec(broker, "rabbitmqctl", "-q", "list_users", "--no-table-headers").split() == [
        "alice",
        "[administrator]",
    ]
    assert "bunny@rabbitmq" in _exec(broker, "rabbitmqctl", "-q", "eval", "node().")
    assert "CRUMBS" in _exec(broker, "rabbitmqctl", "-q", "eval", "erlang:get_cookie().")
    broker.kill()


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_configured_by_files(
    name: str, version: str, equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
):
    """rabbitmq.conf, conf.d, enabled_plugins and a definitions file are read from where the original reads them."""
    broker = container(
        equivalent(name).reference,
        hostname="rabbitmq",
        ports=PORTS,
        files={
            "etc/rabbitmq/rabbitmq.conf": "load_definitions = /etc/rabbitmq/definitions.json\n",
            "etc/rabbitmq/conf.d/50-own.conf": "heartbeat = 7\n",
            "etc/rabbitmq/definitions.json": DEFINITIONS,
            "etc/rabbitmq/enabled_plugins": "[rabbitmq_management,rabbitmq_shovel].",
        },
    )
    with contextlib.closing(_connect(broker, "loaded", "pw")) as connection:
        assert connection.channel().queue_declare("defined", passive=True).method.queue == "defined"
    assert "rabbitmq_shovel" in _exec(broker, "rabbitmq-plugins", "list", "-q", "-m", "-e")
    assert "7" in _exec(broker, "rabbitmqctl", "-q", "eval", "application:get_env(rabbit, heartbeat).")
    broker.kill()


@pytest.mark.parametrize("name", ["VM_MEMORY_HIGH_WATERMARK", "DEFAULT_USER_FILE", "MANAGEMENT_SSL_CACERTFILE"])
def test_a_variable_that_the_server_knows_no_more_ends_it(
    name: str, equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
):
    """With the original's words, before anything is written."""
    broker = container(equivalent("rabbitmq:3-management").reference, environment={f"RABBITMQ_{name}": "0.6"})
    assert broker.wait(timeout=START_S)["StatusCode"] == 1
    said = broker.logs().decode()
    assert f"error: RABBITMQ_{name} is set but deprecated" in said
    assert "error: deprecated environment variables detected" in said
    assert "Starting RabbitMQ" not in said
