"""What the tests with Docker share. In CI a missing image is a failure, elsewhere a skip with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.images.endpoint import connect
from tests.docker.missing import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

collect_ignore = ["assignments"]  # graded by tests, not tests themselves


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The user's engine."""
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(engine: docker.DockerClient) -> Callable[[str], str]:
    """Return the reference that stands behind a catalogue name on this machine."""

    return lambda name: resolved(engine, [name])[name].reference
