"""What counts as removed, with an engine that lists things which it cannot remove."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import docker.errors

from grader.stack import teardown

if TYPE_CHECKING:
    import pytest


class Api:
    """An engine with one volume, one network that goes, and one that it keeps for an endpoint of nobody."""

    def __init__(self) -> None:
        self.volumes_left = {"v"}
        self.networks_left = {"goes", "stays"}

    def containers(self, **_: Any) -> list[Any]:
        return []

    images = containers

    def networks(self, **_: Any) -> list[dict[str, str]]:
        return [{"Id": n, "Name": f"net-{n}"} for n in sorted(self.networks_left)]

    def volumes(self, **_: Any) -> dict[str, Any]:
        return {"Volumes": [{"Name": v} for v in self.volumes_left]}

    def remove_volume(self, name: str, **_: Any) -> None:
        self.volumes_left.remove(name)

    def remove_network(self, network: str) -> None:
        if network == "stays":
            response = SimpleNamespace(status_code=403)
            raise docker.errors.APIError("has active endpoints", response=response)
        self.networks_left.remove(network)

    def inspect_network(self, _: str) -> dict[str, Any]:
        return {"Containers": {}}


def test_what_the_engine_keeps_is_not_said_to_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it, and nobody is told that it has gone."""
    monkeypatch.setattr(teardown, "_PHANTOM_S", 0.2)
    client: Any = SimpleNamespace(api=Api())
    assert sorted(teardown.sweep(client, "project")) == ["net-goes", "v"]
