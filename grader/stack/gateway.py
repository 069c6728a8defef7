"""A stack's gateway container: the grader's only way into the stack's networks, and their DNS server."""

from __future__ import annotations

import io
import secrets
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import python_socks
from docker.types import LogConfig
from python_socks.sync import Proxy

from grader.errors import GraderError
from grader.model.text import msg
from grader.polling import DeadlineError, eventually
from grader.stack import gateway_program, relay
from grader.stack.engine import engine_errors
from grader.stack.info import GatewayInfo

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    import docker

_USER = "grader"
_READY_S = 10.0


def start(
    client: docker.DockerClient,
    *,
    name: str,
    image: str,
    edge: str,
    networks: Sequence[str],
    labels: Mapping[str, str],
) -> tuple[GatewayInfo, dict[str, str]]:
    """Start the gateway on `edge` and the inner `networks` (real names); wait until it answers.

    Returns where it is and its address on each inner network. Raises GraderError.
    """
    password = secrets.token_urlsafe(18)
    with engine_errors("start the gateway"):
        container = client.containers.create(
            image,
            name=name,
            entrypoint=runs(gateway_program),
            command=[],
            environment={"GRADER_SOCKS_USER": _USER, "GRADER_SOCKS_PASSWORD": password},
            user="0:0",
            working_dir="/",
            healthcheck={"test": ["NONE"]},
            labels=dict(labels),
            network=edge,
            ports={f"{gateway_program.SOCKS_PORT}/tcp": ("127.0.0.1",)},  # type: ignore[dict-item]  # any free port
            # It must neither route between networks nor ask the host about names that it does not know.
            sysctls={"net.ipv4.ip_forward": "0"},
            dns=["127.0.0.1"],
            cap_drop=["ALL"],
            cap_add=["NET_BIND_SERVICE"],
            security_opt=["no-new-privileges:true"],
            mem_limit="64m",
            memswap_limit="64m",
            pids_limit=64,
            log_config=LogConfig(type="json-file", config={"max-size": "1m", "max-file": "1"}),
        )
        for network in networks:
            client.api.connect_container_to_network(str(container.id), network)
        container.put_archive("/", program_archive(gateway_program))
        container.start()
        container.reload()
    settings: dict[str, Any] = container.attrs["NetworkSettings"]
    published = (settings["Ports"].get(f"{gateway_program.SOCKS_PORT}/tcp") or [{}])[0]
    if not published:
        raise GraderError(msg("The gateway container ended at once; its image may lack python3."))
    info = GatewayInfo(
        container=str(container.id),
        image=image,
        host="127.0.0.1",
        port=int(published["HostPort"]),
        user=_USER,
        password=password,
    )
    try:
        eventually(lambda: answers(info, timeout_s=1.0), within=_READY_S, what="the gateway answers")
    except DeadlineError as error:
        tail = container.logs(tail=5).decode("utf-8", "replace").strip()
        raise GraderError(msg("The gateway container does not answer: %(log)s", log=tail or "-")) from error
    return info, {network: settings["Networks"][network]["IPAddress"] for network in networks}


def answers(info: GatewayInfo, *, timeout_s: float) -> bool:
    """Say whether the gateway lets us in and echoes a few bytes; nothing of the submission takes part in it."""
    nonce = secrets.token_bytes(16)
    proxy = Proxy(python_socks.ProxyType.SOCKS5, info.host, info.port, info.user, info.password, rdns=True)
    try:
        connection: socket.socket = proxy.connect(gateway_program.CANARY_HOST, 7, timeout=timeout_s)
        with connection:
            connection.settimeout(timeout_s)
            connection.sendall(nonce)
            echoed = b""
            while len(echoed) < len(nonce):
                data = connection.recv(64)
                if not data:
                    return False
                echoed += data
    except (OSError, python_socks.ProxyError, python_socks.ProxyTimeoutError, python_socks.ProxyConnectionError):
        return False
    return echoed == nonce


def runs(program: ModuleType) -> list[str]:
    """Return the command that runs a program of `program_archive` in the folder that the archive lies in."""
    return ["python3", "-u", "-m", program.__name__]


def program_archive(program: ModuleType) -> bytes:
    """Return a tar archive with a program and the relay, for a container that has Python and nothing of ours.

    They lie as they do here, so that they find each other by the same names.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for module in (relay, program):
            source = Path(str(module.__file__)).read_bytes()
            entry = tarfile.TarInfo(f"{module.__name__.replace('.', '/')}.py")
            entry.size, entry.mode = len(source), 0o444
            archive.addfile(entry, io.BytesIO(source))
    return buffer.getvalue()
