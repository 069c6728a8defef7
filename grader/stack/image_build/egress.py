"""A build's egress: a network from which steps reach package sources in the world, and nothing of the host."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any

import psutil
from docker.types import LogConfig

from grader.errors import GraderError
from grader.model.text import msg
from grader.polling import DeadlineError, eventually
from grader.stack import labels, objects
from grader.stack.engine import engine_errors, gone_is_fine
from grader.stack.gateway import program_archive, runs
from grader.stack.image_build import egress_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

# Networks near the host that build steps may reach all the same: a mirror of packages in a school, say.
OPENED_VARIABLE = "GRADER_BUILD_NETWORKS"
_READY_S = 15.0


@contextlib.contextmanager
def opened(client: docker.DockerClient, project: str, *, image: str) -> Iterator[str]:
    """Make a network for builds of `project` with its egress; give its name, and remove both afterwards.

    image: has python3. Raises GraderError.
    """
    marks = labels.labels_of(project, labels.Owner.current(), "egress")
    build, edge = f"{project}_build.grader", f"{project}_out.grader"
    container = ""
    try:
        objects.make_network(client, build, labels=marks, kind="build")
        objects.make_network(client, edge, labels=marks, kind="edge")
        container = _start(client, f"{project}-egress", image, build, edge, marks)
        yield build
    finally:
        with engine_errors("remove the network of a build"):
            if container:
                with gone_is_fine():
                    client.api.remove_container(container, force=True)
            for network in (build, edge):
                with gone_is_fine():
                    client.api.remove_network(network)


def _start(client: docker.DockerClient, name: str, image: str, build: str, edge: str, marks: dict[str, str]) -> str:
    with engine_errors("start the egress of a build"):
        gateway, inside = _range(client, build)
        edge_gateway, edge_range = _range(client, edge)
        made = client.containers.create(
            image,
            name=name,
            entrypoint=runs(egress_program),
            command=[],
            environment={
                "GRADER_BUILD_GATEWAY": f"{gateway}/{inside.prefixlen}",
                "GRADER_EDGE_NETWORK": str(edge_range),
                "GRADER_EDGE_GATEWAY": gateway_address(edge_gateway),
                "GRADER_DENIED": ",".join(host_addresses()),
                "GRADER_OPENED": os.environ.get(OPENED_VARIABLE, ""),
            },
            user="0:0",
            working_dir="/",
            healthcheck={"test": ["NONE"]},
            labels=marks,
            network=edge,
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN", "NET_BIND_SERVICE"],  # of its own network namespace
            security_opt=["no-new-privileges:true"],
            mem_limit="128m",
            memswap_limit="128m",
            pids_limit=64,
            log_config=LogConfig(type="json-file", config={"max-size": "1m", "max-file": "1"}),
        )
        client.api.connect_container_to_network(str(made.id), build)
        made.put_archive("/", program_archive(egress_program))
        made.start()
        try:
            eventually(lambda: b"ready" in made.logs(tail=5), within=_READY_S, every=0.05, what="the egress is ready")
        except DeadlineError as error:
            tail = made.logs(tail=5).decode("utf-8", "replace").strip()
            raise GraderError(msg("The way out for builds does not start: %(log)s", log=tail or "-")) from error
    return str(made.id)


def gateway_address(text: str) -> str:
    """Return the address of what the engine may write with a prefix."""
    return text.partition("/")[0]


def _range(client: docker.DockerClient, network: str) -> tuple[str, ipaddress.IPv4Network]:
    """Return the address of a network's gateway, and its range."""
    configs: list[dict[str, Any]] = client.api.inspect_network(network)["IPAM"]["Config"]
    for config in configs:
        found = ipaddress.ip_network(config["Subnet"])
        if isinstance(found, ipaddress.IPv4Network):
            return gateway_address(config.get("Gateway") or str(next(found.hosts()))), found
    raise GraderError(msg("The Docker engine made a network without addresses."))


def host_addresses() -> list[str]:
    """Return this host's own addresses: where the engine runs here, its public ones are no part of the world."""
    found = {a.address for every in psutil.net_if_addrs().values() for a in every if a.family == socket.AF_INET}
    return sorted(f"{address}/32" for address in found)
