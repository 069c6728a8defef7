"""What to say when a stack does not start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from docker.errors import NotFound

from grader.errors import GraderError
from grader.model.findings import Finding
from grader.model.text import msg
from grader.stack.engine import engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import docker

    from grader.process import Completed
    from grader.stack.stack import Stack

_OUTPUT_LINES = 10
_LOG_LINES = 15


def missing_image(client: docker.DockerClient, references: Iterable[str]) -> str:
    """Return the first image that the engine doesn't have, "" if it has all.

    The engine is asked, and not the output of Compose read: a submission can write what it likes into that.
    """
    for reference in references:
        try:
            with engine_errors(f"inspect image {reference}"):
                client.images.get(reference)
        except GraderError as error:
            if isinstance(error.__cause__, NotFound):
                return reference
            raise
    return ""


def images_of(compose_file: str) -> list[str]:
    """Return the images that the staged file's services run."""
    model = yaml.safe_load(Path(compose_file).read_text("utf-8"))
    return [str(service["image"]) for service in model["services"].values()]


def failure(stack: Stack, done: Completed, deadline_s: float) -> Finding:
    """Return the finding for a failed or endless `up`, with the last lines of what ended or is unhealthy."""
    detail = [line for line in done.output.splitlines() if line.strip()][-_OUTPUT_LINES:]
    troubled = ""
    for container in stack.containers():
        state = container.state()
        if state.health == "unhealthy" or state.status == "restarting" or (state.exit_code and not state.running):
            troubled = troubled or container.service
            detail += [f"{container.name} | {line}" for line in container.logs(_LOG_LINES)]
    if done.timed_out:
        message = msg("The project was still not started after %(seconds)d s.", seconds=round(deadline_s))
    else:
        message = msg("The project does not start: docker compose up ended with an error.")
    return Finding(
        code="start-failed",
        severity="error",
        message=message,
        path=f"services.{troubled}" if troubled else "services",
        remedy=msg("Start it with docker compose up in your project and read what it says."),
        detail=tuple(detail),
    )
