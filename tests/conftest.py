"""Unit tests cannot reach Docker or the network; tests marked `docker` can."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A busy machine makes nothing wrong: how long an example takes is no reason to fail.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Whoever runs the tests may speak another language, and have said so.
os.environ["LC_ALL"] = "C.UTF-8"
os.environ.pop("GRADER_LANG", None)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> None:
    """Close all sockets but those of the process itself to tests that are not marked `docker`."""
    if request.node.get_closest_marker("docker") is None:
        request.getfixturevalue("socket_disabled")
