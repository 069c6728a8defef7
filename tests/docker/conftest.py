"""What the tests with Docker share. In CI a missing image is a failure, elsewhere a skip with its reason."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from grader import images
from grader.errors import ImageMissingError
from grader.images.endpoint import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let Ctrl-C through: what a shell starts in the background ignores it, and so would all that we start here."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The user's engine."""
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(engine: docker.DockerClient) -> Callable[[str], str]:
    """Return the reference that stands behind a catalogue name on this machine."""

    def find(name: str) -> str:
        try:
            return images.resolve(engine, [name])[name].reference
        except ImageMissingError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"{name} is missing here: {error}")

    return find
