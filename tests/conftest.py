"""Unit tests cannot reach Docker or the network; tests marked `docker` can."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> None:
    """Close all sockets but those of the process itself to tests that are not marked `docker`."""
    if request.node.get_closest_marker("docker") is None:
        request.getfixturevalue("socket_disabled")
