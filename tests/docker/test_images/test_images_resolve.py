"""Names are resolved to what is there or can be built, never to something else under their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from grader import catalogue
from grader.errors import ImageMissingError
from grader.images import resolve, survey
from grader.images.build import Builder

if TYPE_CHECKING:
    import docker

pytestmark = pytest.mark.docker


def test_an_equivalent_says_what_it_is(engine: docker.DockerClient):
    """The resolved image has a name of its own, its real version, and what it lacks."""
    name = "docker.io/library/node:20-alpine"
    found = resolve(engine, [name], mode="equivalent")[name]
    assert (found.name, found.reference, found.equivalent) == ("node:20-alpine", "grader.local/node:20-alpine", True)
    assert found.version.startswith("20.")
    assert "apk" in found.differs
    labels = engine.images.get(found.reference).labels
    assert labels["grader.equivalent.version"] == found.version


def test_nothing_is_built_twice(engine: docker.DockerClient):
    """The second time nothing is said, since nothing is done, and the image is the same."""
    resolve(engine, ["node:20-alpine"], mode="equivalent")
    before = engine.images.get("grader.local/node:20-alpine").id
    said: list[object] = []
    resolve(engine, ["node:20-alpine", "node:20-alpine"], mode="equivalent", on_progress=said.append)
    assert said == []
    assert engine.images.get("grader.local/node:20-alpine").id == before


def test_a_changed_recipe_makes_an_image_stale(engine: docker.DockerClient):
    """An image whose recipe has changed since does not count as there."""
    known = catalogue.load()
    node = known.equivalents["node:20-alpine"]
    resolve(engine, [node.name], mode="equivalent")
    builder = Builder(engine, known, on_progress=lambda _: None)
    assert builder.present(node) is not None
    assert builder.present(msgspec.structs.replace(node, args={"NEW": "1"})) is None


def test_a_source_that_gives_nothing_is_said_and_the_others_are_built(engine: docker.DockerClient):
    """The message ends with what the source said; what was asked for beside it is there; nothing half-built is."""
    known = catalogue.load()
    gone = msgspec.structs.replace(known.equivalents["postgres:15"], name="postgres:7", args={"MAJOR": "7"})
    broken = msgspec.structs.replace(known, equivalents=known.equivalents | {"postgres:15": gone})
    with pytest.raises(ImageMissingError) as caught:
        resolve(engine, ["postgres:15", "redis:7"], mode="equivalent", catalogue=broken)
    assert caught.value.message.params["name"] == gone.reference
    assert "postgresql-7" in caught.value.message.params["log"]
    assert caught.value.remedy is not None
    rows = {row["name"]: row["state"] for row in survey(engine, broken)}
    assert (rows["redis:7"], rows["postgres:15"]) == ("equivalent", "missing")


def test_a_version_that_no_source_gives_is_missing(engine: docker.DockerClient):
    """python:3.12 is not stood in for by another Python; the message proposes one that can be built."""
    with pytest.raises(ImageMissingError) as caught:
        resolve(engine, ["python:3.12-slim"], mode="equivalent")
    assert caught.value.message.params["name"] == "python:3.12-slim"
    assert caught.value.remedy is not None
    assert caught.value.remedy.params == {"nearest": "python:3.13-slim"}


def test_an_image_that_was_only_tagged_here_is_not_taken(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    """Whoever builds an image under an upstream name on this engine does not get it graded under that name."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path))
    resolve(engine, ["python:3.13-slim"], mode="equivalent")
    poisoned = "grader-test-poisoned:1"
    engine.images.get("grader.local/python:3.13-slim").tag(poisoned)
    try:
        with pytest.raises(ImageMissingError):
            resolve(engine, [poisoned], mode="pull")
    finally:
        engine.images.remove(poisoned)


def test_the_survey_tells_what_is_there(engine: docker.DockerClient):
    """Every name that a submission may write has a row, and an image that was just ensured is not missing."""
    resolve(engine, ["node:20-alpine"], mode="equivalent")
    known = catalogue.load()
    rows = {row["name"]: row for row in survey(engine, known)}
    assert set(rows) == {name for name in known.equivalents if known.find(name)}
    assert len(rows) > 30
    assert rows["node:20-alpine"]["state"] in {"equivalent", "pulled"}
