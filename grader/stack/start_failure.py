"""What to say when a stack does not start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import yaml
from docker.errors import NotFound

from grader.errors import GraderError
from grader.model.findings import Finding
from grader.model.text import msg
from grader.stack import causes
from grader.stack.causes import unhealthy
from grader.stack.engine import engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import docker

    from grader.process import Completed
    from grader.stack.container import Container, ContainerState

_START_IT = msg("Start it with docker compose up in your project and read what it says.")
_OUTPUT_LINES = 10
_LOG_LINES = 15
_LOG_LINES_BESIDE = 5  # of a service whose health check says more


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


def failure(containers: Sequence[Container], sources: causes.Sources, done: Completed, deadline_s: float) -> Finding:
    """Return the finding for a failed or endless `up`: what an unhealthy service's check says, else what ended.

    Whose words and files show the cause is named by it. sources: what the stack is built of.
    """
    said = [line for line in done.output.splitlines() if line.strip()][-_OUTPUT_LINES:]
    states = [(container, container.state()) for container in containers]
    troubled = [(c, state) for c, state in states if _in_trouble(state) or (done.timed_out and state.ailment)]
    troubled.sort(key=lambda one: not one[1].ailment)  # who waits for it comes after it
    detail, ailments = [*said], list[str]()
    words: list[tuple[str, list[str]]] = []
    for container, state in troubled:
        log = container.logs(_LOG_LINES_BESIDE if state.ailment else _LOG_LINES)
        words.append((container.service, [*state.ailment, *log]))
        detail += [f"{container.name} | {line}" for line in log]
        ailments += [f"{container.name} | {line}" for line in state.ailment]
    finding = Finding(
        code="start-failed",
        severity="error",
        message=msg("The project does not start: docker compose up ended with an error."),
        path=f"services.{troubled[0][0].service}" if troubled else "services",
        remedy=_START_IT,
        detail=(*detail, *ailments),  # what stands last is kept where a report has no room for all
    )
    if done.timed_out:
        late = msg("The project was still not started after %(seconds)d s.", seconds=round(deadline_s))
        finding = msgspec.structs.replace(finding, message=late)
    if troubled and troubled[0][1].ailment:
        ill, state = troubled[0]
        finding = unhealthy.explained(finding, ill.service, state, ill.image)
    for service, lines in [*words, ("", said)]:
        explained = causes.start_explained(finding, [*lines, *said], sources, service)
        if explained is not finding:
            return explained
    return finding


def not_ready(containers: Sequence[Container], sources: causes.Sources, service: str, *, asked: bool) -> Finding | None:
    """Return what the words of a service's `containers`, and the files, show of why it does not serve.

    asked: whether it was asked and did not answer; else only what keeps a program from being run at all counts.
    """
    for container in containers:
        state = container.state()
        if not (_in_trouble(state) or (asked and state.ailment)):
            continue
        finding = Finding(
            code="service-not-ready",
            severity="warning",
            message=msg("%(service)s is not ready.", service=service),
            path=f"services.{service}",
            remedy=_START_IT,
        )
        shown = unhealthy.explained(finding, service, state, container.image) if asked and state.ailment else finding
        shown = causes.start_explained(shown, [*state.ailment, *container.logs(_LOG_LINES)], sources, service)
        if shown is not finding:
            return shown
    return None


def _in_trouble(state: ContainerState) -> bool:
    """Say whether a container is unhealthy, ended with an error, or keeps ending."""
    ended_badly = bool(state.exit_code) and not state.running
    return state.health == "unhealthy" or state.status == "restarting" or ended_badly
