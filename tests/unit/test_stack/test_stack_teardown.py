"""What the engine lists and cannot remove: seen on a real one that was interrupted in the middle of a removal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import docker
import docker.errors
import pytest

from grader.errors import GraderError
from grader.stack import teardown


class Engine:
    """The calls of a removal, answered as an engine does that lists a container and does not know it."""

    def __init__(self, refusal: docker.errors.APIError) -> None:
        self.refusal = refusal
        self.api = self

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Id": "c2dc", "Names": [], "Labels": {}, "Status": "Removal In Progress"}]

    def remove_container(self, *_: Any, **__: Any) -> None:
        raise self.refusal

    def networks(self, **_: Any) -> list[dict[str, Any]]:
        return []

    def volumes(self, **_: Any) -> dict[str, Any]:
        return {"Volumes": None}

    def images(self, **_: Any) -> list[dict[str, Any]]:
        return []


def _engine(status: int) -> docker.DockerClient:
    kind = docker.errors.NotFound if status == 404 else docker.errors.APIError
    answer = SimpleNamespace(status_code=status, reason="", url="")
    return cast("docker.DockerClient", Engine(kind("refused", response=answer, explanation="No such container")))


def test_a_container_that_is_only_listed_counts_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays in the list until the engine is restarted, and nobody shall wait for it."""
    monkeypatch.setattr(teardown, "_PHANTOM_S", 0.0)
    assert teardown.sweep(_engine(404), "grader-x", within=5.0) == []


def test_a_container_that_goes_on_being_removed_is_waited_for() -> None:
    """Whoever removes it may still succeed; at the deadline it is said."""
    with pytest.raises(GraderError):
        teardown.sweep(_engine(409), "grader-x", within=0.3)
