"""Making what a stack stands on before anything of the submission runs: networks, volumes, gateway, compose file."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from grader.images import endpoint
from grader.stack import compose, emit, gateway, labels, objects
from grader.stack.info import StackInfo

if TYPE_CHECKING:
    from pathlib import Path

    import docker

    from grader.model.plan import StackPlan

_COMPOSE_FILE = "compose.yaml"
_AT_ONCE = 4


def make(
    client: docker.DockerClient, plan: StackPlan, workspace: Path, *, gateway_image: str, stage: Path, project: str
) -> StackInfo:
    """Make everything for `project` and write the compose file into `stage`; the caller cleans up if it raises."""
    epoch = time.time()
    binary = compose.find_compose()
    owner = labels.Owner.current()
    stage.mkdir(parents=True, exist_ok=True, mode=0o700)
    networks = {name: f"{project}_{name}" for name in emit.needed_networks(plan.compose)}
    edge = f"{project}_edge.grader"  # no submission's network has a name with a dot and this end
    volumes = _make_objects(client, plan, project, {edge: "edge", **dict.fromkeys(networks.values(), "inner")})
    for number, content in enumerate(plan.volume_contents):
        objects.fill_volume(
            client,
            volumes[content.volume],
            objects.inside(workspace, content.source) if content.source else None,
            writable=content.data,
            image=gateway_image,
            name=f"{project}-fill-{number}",
            labels=labels.labels_of(project, owner, "fill"),
        )
    listener, addresses = gateway.start(
        client,
        name=f"{project}-gateway",
        image=gateway_image,
        edge=edge,
        networks=list(networks.values()),
        labels=labels.labels_of(project, owner, "gateway"),
    )
    model = emit.final_model(
        plan.compose,
        project=project,
        labels=labels.labels_of(project, owner),
        networks=networks,
        volumes=volumes,
        resolvers={name: addresses[real] for name, real in networks.items()},
    )
    emit.write(model, stage / _COMPOSE_FILE)
    return StackInfo(
        project=project,
        run=owner.run,
        endpoint=endpoint.current_endpoint(),
        compose_file=str(stage / _COMPOSE_FILE),
        stage=str(stage),
        epoch=epoch,
        gateway=listener,
        services={name: plan.replicas.get(name, 1) for name in plan.compose["services"]},
        compose_binary=str(binary),
        networks=networks,
    )


def _make_objects(
    client: docker.DockerClient, plan: StackPlan, project: str, networks: dict[str, objects.Kind]
) -> dict[str, str]:
    """Make networks (real name -> kind) and the plan's volumes; return volume in the plan -> real name."""
    marks = labels.labels_of(project, labels.Owner.current())
    declared = plan.compose.get("volumes") or {}
    volumes = {name: f"{project}_{name}" for name in declared}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        made = [
            pool.submit(objects.make_network, client, name, labels=marks, kind=kind) for name, kind in networks.items()
        ]
        made += [
            pool.submit(objects.make_volume, client, volumes[name], declared[name] or {}, marks) for name in volumes
        ]
        for future in made:
            future.result()
    return volumes
