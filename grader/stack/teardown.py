"""Removing everything that a stack has on the engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psutil

from grader.errors import GraderError
from grader.model.text import msg
from grader.polling import DeadlineError, eventually
from grader.stack import labels
from grader.stack.engine import engine_errors, gone_is_fine

if TYPE_CHECKING:
    import docker

_WITHIN_S = 30.0
_AT_ONCE = 4


def sweep(client: docker.DockerClient, project: str, *, within: float = _WITHIN_S) -> list[str]:
    """Remove all objects of a project, killing what runs; return their names.

    Goes on until nothing is left, since a Compose that was killed may have left the engine at work on one container
    more. What is already gone is fine; GraderError if something stays for `within` seconds.
    """
    removed: list[str] = []
    try:
        eventually(lambda: _sweep_once(client, project, removed), within=within, every=0.1, what="all is removed")
    except DeadlineError as error:
        raise GraderError(
            msg("Not everything of %(project)s could be removed.", project=project),
            msg("Look for its containers and networks (docker ps -a, docker network ls) and run grader clean."),
        ) from error
    return removed


def kill_compose(project: str) -> None:
    """Kill the Compose processes of this process that still work on a project (a build in another thread)."""
    for child in psutil.Process().children(recursive=True):
        try:
            if project in child.cmdline():
                child.kill()
        except psutil.Error:
            continue


def _sweep_once(client: docker.DockerClient, project: str, removed: list[str]) -> bool:
    """Remove what is there; True when nothing was."""
    wanted = {"label": [f"{labels.PROJECT}={project}"]}
    api = client.api
    with engine_errors("remove a stack"):
        containers = api.containers(all=True, filters=wanted)
        gateways = [c for c in containers if c["Labels"].get(labels.ROLE) == "gateway"]
        others = [c for c in containers if c not in gateways]
        # The gateway first: nothing of ours goes on looking at a stack that falls apart.
        for group in (gateways, others):
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda c: _remove_container(client, c), group))
        networks = api.networks(filters=wanted)
        for network in networks:
            with gone_is_fine():
                api.remove_network(network["Id"])
        volumes = api.volumes(filters=wanted)["Volumes"] or []
        for volume in volumes:
            with gone_is_fine():
                api.remove_volume(volume["Name"], force=True)
        images = api.images(filters=wanted, all=True)
        for image in images:
            with gone_is_fine():
                api.remove_image(image["Id"], force=True)
    removed += [_name(found) for found in (*containers, *networks, *volumes, *images)]
    return not (containers or networks or volumes or images)


def _remove_container(client: docker.DockerClient, container: dict[str, Any]) -> None:
    with gone_is_fine():
        client.api.remove_container(container["Id"], v=True, force=True)


def _name(found: dict[str, Any]) -> str:
    if names := found.get("Names"):
        return str(names[0]).lstrip("/")
    return str(found.get("Name") or (found.get("RepoTags") or [found.get("Id")])[0])
