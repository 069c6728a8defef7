"""Removing what dead grader processes left on the engine and on disk; a living grader's things stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader import scratch
from grader.errors import GraderError
from grader.stack import labels
from grader.stack.engine import engine_errors, gone_is_fine
from grader.stack.image_build.dockerfile import LAYER_LABEL
from grader.stack.teardown import sweep

if TYPE_CHECKING:
    import docker


_WITHIN_S = 10.0


# Long enough for a student's evening and a class of an hour; short enough that a disk does not fill.
_LAYERS_FOR = "48h"


def reap(client: docker.DockerClient) -> list[str]:
    """Remove the projects and temporary folders of dead runs, and old layers; return the names of what was removed."""
    removed = clean(client)
    _prune_layers(client, _LAYERS_FOR)
    return removed


def _prune_layers(client: docker.DockerClient, older_than: str) -> None:
    """Remove layers that builds left and no image stands on."""
    filters: dict[str, Any] = {"dangling": True, "label": [f"{LAYER_LABEL}=1"]}
    if older_than:
        filters["until"] = older_than
    api: Any = client.api
    with engine_errors("remove old layers"), gone_is_fine():  # another grader may be at it
        api.prune_images(filters=filters)


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
    removed += scratch.sweep(everything=everything)
    if everything:
        _prune_layers(client, "")
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
