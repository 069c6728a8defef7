"""Removing everything that a stack has on the engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import docker.errors
import psutil

from grader.errors import GraderError
from grader.model.text import msg
from grader.polling import Deadline, DeadlineError, eventually
from grader.stack import labels
from grader.stack.engine import engine_errors, gone_is_fine

_WITHIN_S = 30.0
_PHANTOM_S = 3.0
_FORBIDDEN = 403
_AT_ONCE = 4


def sweep(client: docker.DockerClient, project: str, *, within: float = _WITHIN_S) -> list[str]:
    """Remove all objects of a project, killing what runs; return their names.

    Goes on until nothing is left, since a Compose that was killed may have left the engine at work on one container
    more. What is already gone is fine; GraderError if something stays for `within` seconds.
    """
    removed: dict[str, str] = {}
    refused: dict[str, Deadline] = {}
    try:
        eventually(
            lambda: _sweep_once(client, project, removed, refused), within=within, every=0.1, what="all is removed"
        )
    except DeadlineError as error:
        raise GraderError(
            msg("Not everything of %(project)s could be removed.", project=project),
            msg("Look for its containers and networks (docker ps -a, docker network ls) and run grader clean."),
        ) from error
    return list(removed.values())


def kill_compose(project: str) -> None:
    """Kill the Compose processes of this process that still work on a project (a build in another thread)."""
    for child in psutil.Process().children(recursive=True):
        try:
            if project in child.cmdline():
                child.kill()
        except psutil.Error:
            continue


def _sweep_once(
    client: docker.DockerClient, project: str, removed: dict[str, str], refused: dict[str, Deadline]
) -> bool:
    """Remove what is there; True when nothing was.

    `removed`: names by id, of what is not there any more. `refused`: what the engine lists all the same, since when.
    """
    wanted = {"label": [f"{labels.PROJECT}={project}"]}
    api = client.api
    with engine_errors("remove a stack"):
        containers = api.containers(all=True, filters=wanted)
        gateways = [c for c in containers if c["Labels"].get(labels.ROLE) == "gateway"]
        others = [c for c in containers if c not in gateways]
        # The gateway first: nothing of ours goes on looking at a stack that falls apart.
        phantoms: set[str] = set()
        for group in (gateways, others):
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                gone = pool.map(lambda c: _remove_container(client, c["Id"], refused), group)
                phantoms |= {c["Id"] for c, so in zip(group, gone, strict=True) if so}
        containers = [c for c in containers if c["Id"] not in phantoms]
        networks = api.networks(filters=wanted)
        phantoms |= {n["Id"] for n in networks if _remove_network(client, n["Id"], refused)}
        networks = [n for n in networks if n["Id"] not in phantoms]
        volumes = api.volumes(filters=wanted)["Volumes"] or []
        for volume in volumes:
            with gone_is_fine():
                api.remove_volume(volume["Name"], force=True)
        images = api.images(filters=wanted, all=True)
        for image in images:
            with gone_is_fine():
                # Layers below stay for the next build of the same steps, until `prune_layers`.
                api.remove_image(image["Id"], force=True, noprune=True)
    removed |= {_id(found): _name(found) for found in (*containers, *networks, *volumes, *images)}
    for phantom in phantoms:
        removed.pop(phantom, None)
    return not (containers or networks or volumes or images)


def _remove_container(client: docker.DockerClient, container: str, refused: dict[str, Deadline]) -> bool:
    """Remove a container; say whether it counts as gone although the engine lists it.

    An engine that was interrupted in the middle of a removal lists the container ("Removal In Progress") and knows none
    of that name, until it is restarted.
    """
    with gone_is_fine():
        try:
            client.api.remove_container(container, v=True, force=True)
        except docker.errors.NotFound:
            return refused.setdefault(container, Deadline(_PHANTOM_S)).passed()
    return False


def _remove_network(client: docker.DockerClient, network: str, refused: dict[str, Deadline]) -> bool:
    """Remove a network; say whether it counts as gone although the engine keeps it.

    After a process was killed in the middle of a start, the engine may hold on to an endpoint of a container that does
    not exist, until it is restarted itself. Nobody can be on such a network, and nobody shall wait for it.
    """
    try:
        with gone_is_fine():
            client.api.remove_network(network)
    except docker.errors.APIError as error:
        if error.status_code != _FORBIDDEN:
            raise
        used = client.api.inspect_network(network)["Containers"]
        for container in used:
            with gone_is_fine():
                client.api.disconnect_container_from_network(container, network, force=True)
        return not used and refused.setdefault(network, Deadline(_PHANTOM_S)).passed()
    return False


def _id(found: dict[str, Any]) -> str:
    return str(found.get("Id") or found["Name"])  # a volume has its name alone


def _name(found: dict[str, Any]) -> str:
    if names := found.get("Names"):
        return str(names[0]).lstrip("/")
    return str(found.get("Name") or (found.get("RepoTags") or [found.get("Id")])[0])
