"""Removing what dead grader processes left on the engine and on disk; a living grader's things stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.errors import GraderError
from grader.stack import labels
from grader.stack.engine import engine_errors
from grader.stack.stage import reap_stages
from grader.stack.teardown import sweep

if TYPE_CHECKING:
    import docker


_WITHIN_S = 10.0


def reap(client: docker.DockerClient) -> list[str]:
    """Remove the projects and stage folders of dead runs; return the names of what was removed."""
    return clean(client)


def clean(client: docker.DockerClient, *, everything: bool = False) -> list[str]:
    """Do what `grader clean` does: as `reap`, or with `everything` whatever any grader but this process made.

    Raises GraderError, after the rest has been removed, if something cannot be.
    """
    removed: list[str] = []
    stuck: GraderError | None = None
    own = labels.Owner.current().label()
    for project, mark in sorted(_projects(client).items()):
        owner = labels.Owner.parse(mark)
        if (owner is not None and owner.dead()) or (everything and mark != own):
            try:
                removed += sweep(client, project, within=_WITHIN_S)
            except GraderError as error:
                stuck = stuck or error  # one that is stuck must not keep the others
    removed += reap_stages(everything=everything)
    if stuck:
        raise stuck
    return removed


def _projects(client: docker.DockerClient) -> dict[str, str]:
    """Return project -> owner label of everything on the engine that carries our label."""
    ours = {"label": [labels.PROJECT]}
    api = client.api
    with engine_errors("list"):
        found: list[dict[str, Any]] = [
            *api.containers(all=True, filters=ours),
            *api.networks(filters=ours),
            *(api.volumes(filters=ours)["Volumes"] or []),
            *api.images(filters=ours, all=True),
        ]
    marks = [thing.get("Labels") or {} for thing in found]
    return {mark[labels.PROJECT]: mark.get(labels.OWNER, "") for mark in marks if mark.get(labels.PROJECT)}
