"""Unit tests cannot reach Docker or the network; tests marked `docker` can."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

# A busy machine makes nothing wrong: how long an example takes is no reason to fail.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Whoever runs the tests may speak another language, and have said so.
os.environ["LC_ALL"] = "C.UTF-8"
os.environ.pop("GRADER_LANG", None)


# With Docker too, and of no other test's business: they look at what is theirs alone.
BESIDE = (
    "tests/docker/test_authoring_page.py",
    "tests/docker/test_brought_room.py",
    "tests/docker/test_image_of_grader.py",
    "tests/docker/test_images/",
    *(f"tests/docker/test_{broker}_probe.py" for broker in ("kafka", "postgres", "rabbitmq", "redis")),
    *(
        f"tests/docker/test_stack/test_stack_{name}.py"
        for name in ("build", "build_limits", "buildkit", "network", "start", "volumes")
    ),
    "tests/docker/test_wheel.py",
)


class EngineShared(LoadFileScheduling):
    """Gradings, and whatever counts what is on the engine, are for one worker; a file of the rest at a time is for the
    others, which so fill the time that containers need to start.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/docker/") and not nodeid.startswith(BESIDE):
            return "tests/docker"
        return super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> EngineShared:
    """Say who gets which test, when there is more than one worker (`make test`)."""
    config.option.loadscopereorder = False  # the tests with Docker are the longest: they come first
    return EngineShared(config, log)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let Ctrl-C through: what a shell starts in the background ignores it, and so would all that we start here."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> None:
    """Close all sockets but those of the process itself to tests that are not marked `docker`."""
    if request.node.get_closest_marker("docker") is None:
        request.getfixturevalue("socket_disabled")
