"""Unit tests cannot reach Docker or the network; tests marked `docker` can."""

from __future__ import annotations

import pytest
from hypothesis import settings

# A busy machine makes nothing wrong: how long an example takes is no reason to fail.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> None:
    """Close all sockets but those of the process itself to tests that are not marked `docker`."""
    if request.node.get_closest_marker("docker") is None:
        request.getfixturevalue("socket_disabled")
