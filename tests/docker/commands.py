"""One command in a container of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker
import docker.errors

if TYPE_CHECKING:
    from collections.abc import Sequence


def written(engine: docker.DockerClient, image: str, command: Sequence[str], **options: Any) -> bytes:
    """Run a command and return what it wrote; docker.errors.ContainerError if it fails.

    The container is removed when its log has been read: docker-py's own `run` follows the log and removes the container
    before it reads on, and on a busy engine nothing may have come by then.
    """
    container = engine.containers.run(image, list(command) or None, detach=True, **options)
    try:
        code = container.wait()["StatusCode"]
        output: bytes = container.logs()
    finally:
        container.remove(v=True, force=True)
    if code:
        raise docker.errors.ContainerError(container, code, command, image, output)
    return output
