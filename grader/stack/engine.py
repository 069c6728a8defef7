"""What the engine's own errors mean to us."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import docker.errors

from grader.errors import GraderError
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Iterator

# The SDK lets the HTTP library's exceptions through; OSError is what a broken socket gives (and their base there).
ENGINE_ERRORS: tuple[type[Exception], ...] = (docker.errors.DockerException, OSError)


@contextlib.contextmanager
def engine_errors(action: str) -> Iterator[None]:
    """Turn Docker's own exceptions into GraderError; `action` is what we asked for, in Docker's words."""
    try:
        yield
    except ENGINE_ERRORS as error:
        reason = str(getattr(error, "explanation", None) or error)
        raise GraderError(
            msg("The Docker engine did not do what we asked (%(action)s): %(reason)s", action=action, reason=reason)
        ) from error


def not_running(error: Exception) -> bool:
    """Say whether the engine refuses since the container does not run, or is frozen."""
    return isinstance(error, docker.errors.APIError) and error.status_code == 409


@contextlib.contextmanager
def not_running_is_fine() -> Iterator[None]:
    """Pass over a container that does not run, or is frozen where it should be."""
    try:
        yield
    except docker.errors.APIError as error:
        if not not_running(error):
            raise


@contextlib.contextmanager
def gone_is_fine() -> Iterator[None]:
    """Pass over what does not exist any more, or is being removed by someone else."""
    try:
        yield
    except docker.errors.NotFound:
        pass
    except docker.errors.APIError as error:
        # 409, or a 500 where a container is disconnected from its network meanwhile.
        if error.status_code != 409 and "is marked for removal" not in str(error.explanation):
            raise
