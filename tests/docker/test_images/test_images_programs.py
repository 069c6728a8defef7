"""Equivalents have the programs that their originals have, and no others of those that health checks call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import assignments, catalogue
from grader.images.build import Builder
from grader.verify.images import images_of
from tests.docker.commands import written
from tests.docker.missing import resolved

if TYPE_CHECKING:
    import docker

pytestmark = pytest.mark.docker
KNOWN = catalogue.load()
LOOK = 'for name; do if command -v "$name" >/dev/null; then echo "$name"; fi; done'


def test_a_health_check_finds_here_what_it_finds_at_home(engine: docker.DockerClient) -> None:
    """Of every equivalent that is on this engine; what the assignments' submissions stand on is always there."""
    resolved(engine, {name for each in assignments.names() for name in images_of(assignments.load(each))})
    builder = Builder(engine, KNOWN, on_progress=lambda _: None)
    here = {name: each for name, each in KNOWN.equivalents.items() if builder.present(each) is not None}
    found = {}
    for name, equivalent in here.items():
        output = written(
            engine, equivalent.reference, ["-c", LOOK, "look", *KNOWN.watched], entrypoint="sh",
            network_mode="none", labels={"grader.test": "programs"},
        )  # fmt: skip
        found[name] = tuple(output.decode().split())
    assert found == {name: equivalent.programs for name, equivalent in here.items()}
    assert len(found) > 10
