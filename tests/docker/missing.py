"""Images that this machine can neither pull nor build: a skip with the reason, in CI a failure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from grader import images
from grader.errors import ImageMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import docker

    from grader.images.resolve import Mode
    from grader.model.grade import ResolvedImage


def resolved(engine: docker.DockerClient, names: Iterable[str], mode: Mode = "auto") -> dict[str, ResolvedImage]:
    """Resolve names as a grading does."""
    try:
        return images.resolve(engine, names, mode=mode)
    except ImageMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"an image is missing here: {error}")
