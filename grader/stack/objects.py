"""The networks and volumes of a stack: made by us, so that they carry our options and labels."""

from __future__ import annotations

import tarfile
import tempfile
from typing import TYPE_CHECKING, Any, Literal

import docker.errors

from grader.errors import GraderError
from grader.model.text import msg
from grader.stack.engine import engine_errors, gone_is_fine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import docker

# No address on the host's side of the bridge: a container would reach whatever the host binds on 0.0.0.0.
_INNER_OPTIONS = {"com.docker.network.bridge.inhibit_ipv4": "true"}
_EDGE_OPTIONS = {"com.docker.network.bridge.enable_icc": "false"}


Kind = Literal["inner", "edge", "build"]
_OPTIONS = {"inner": _INNER_OPTIONS, "edge": _EDGE_OPTIONS, "build": _INNER_OPTIONS}


def make_network(client: docker.DockerClient, name: str, *, labels: Mapping[str, str], kind: Kind) -> None:
    """Make a bridge network.

    "inner": without a way out or to the host; "edge": with both, for our own containers; "build": its way out is
    whoever takes its gateway's address, which the host does not have.
    """
    try:
        with engine_errors(f"create network {name}"):
            client.api.create_network(
                name,
                driver="bridge",
                internal=kind == "inner",
                options=_OPTIONS[kind],
                labels=dict(labels),
                check_duplicate=True,
            )
    except GraderError as error:
        if "address pool" in str(error):
            raise GraderError(
                msg("The Docker engine has no addresses left for another network."),
                msg("Remove networks that nobody uses (docker network ls), or what dead runs left: grader clean"),
            ) from error
        raise


def make_volume(client: docker.DockerClient, name: str, planned: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """Make a named volume with the options that the plan allows it."""
    with engine_errors(f"create volume {name}"):
        options = {key: str(value) for key, value in (planned.get("driver_opts") or {}).items()}
        client.api.create_volume(name, driver="local", driver_opts=options or None, labels=dict(labels))


def fill_volume(
    client: docker.DockerClient,
    volume: str,
    source: Path | None,
    *,
    writable: bool,
    image: str,
    name: str,
    labels: Mapping[str, str],
) -> None:
    """Copy the content of the folder `source` into a volume, through a container of `image` that is never started.

    Links are copied as links. Files belong to root, as they do in a bind mount of Docker Desktop. source: None for
    nothing. writable: whoever the container runs as may write into the volume's own folder.
    """
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            top = tarfile.TarInfo("fill")  # by its name: the engine leaves "." as it is
            top.type, top.mode = tarfile.DIRTYPE, 0o777 if writable else 0o755
            tar.addfile(top)
            for path in sorted(source.iterdir()) if source else ():
                tar.add(path, arcname=f"fill/{path.name}", filter=_as_root)
        archive.seek(0)
        with engine_errors(f"fill volume {volume}"):
            container = client.containers.create(
                image,
                name=name,
                entrypoint=["true"],
                network_mode="none",
                labels=dict(labels),
                volumes={volume: {"bind": "/fill", "mode": "rw"}},
            )
            try:
                container.put_archive("/", archive)
            finally:
                with gone_is_fine():
                    container.remove(v=True, force=True)


def inside(root: Path, relative: str) -> Path:
    """Return the folder `relative` of the workspace; GraderError where it isn't one inside of it (links resolved)."""
    root = root.resolve()
    folder = (root / relative).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise GraderError(msg("The plan names a folder that is not in the submission: %(folder)s", folder=relative))
    return folder


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if not (entry.isreg() or entry.isdir() or entry.issym()):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
