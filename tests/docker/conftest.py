"""What the tests with Docker share. In CI a missing image is a failure, elsewhere a skip with its reason."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from grader.images.endpoint import connect
from tests.docker.missing import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

collect_ignore = ["assignments"]  # graded by tests, not tests themselves


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

    return lambda name: resolved(engine, [name])[name].reference
