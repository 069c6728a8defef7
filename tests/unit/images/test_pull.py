"""How images are pulled: with whose login, and how large they may be."""

from __future__ import annotations

import base64
import contextlib
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import docker.errors
import pytest

from grader import catalogue
from grader.images import budget as budgets
from grader.images import facts
from grader.images.budget import MIB, Budget
from grader.images.pull import Puller
from grader.model.grade import ResolvedImage
from grader.model.pulled import Health, PulledImage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64
NOBODY = b"e30="  # {}
LAYERS = [
    {"status": "Pulling from x", "id": "1"},
    {"status": "Already exists", "progressDetail": {}, "id": "zero"},
    {"status": "Downloading", "progressDetail": {"current": 1, "total": 30 * MIB}, "id": "one"},
    {"status": "Downloading", "progressDetail": {"current": 2, "total": 30 * MIB}, "id": "one"},
    {"status": "Downloading", "progressDetail": {"current": 40 * MIB}, "id": "two"},  # its registry does not say
    {"status": "Extracting", "progressDetail": {"current": 1, "total": 30 * MIB}, "id": "one"},
]


class Engine:
    """As much of an engine as a pull touches: what is asked of it, and what it answers."""

    def __init__(self, lines: list[dict[str, Any]] | None = None, attributes: dict[str, Any] | None = None) -> None:
        self.lines, self.attributes = lines or [], attributes
        self.asked: list[Any] = []
        self.removed: list[str] = []
        self.read = 0
        self.api: Any = self
        self.images: Any = self
        # What a real engine's registries did not answer in this process is remembered by its address.
        self.base_url = f"http+docker://{id(self)}"

    def get_registry_data(self, *_: object, auth_config: dict[str, str] | None) -> Any:
        self.asked.append(auth_config)
        return SimpleNamespace(attrs={"Descriptor": {"digest": DIGEST}})

    def get(self, reference: str) -> Any:
        if self.attributes is None:
            raise docker.errors.ImageNotFound(reference)
        return SimpleNamespace(attrs=self.attributes)

    def remove(self, reference: str) -> None:
        self.removed.append(reference)

    def info(self) -> dict[str, str]:
        return {"DockerRootDir": "/"}

    def _url(self, path: str) -> str:
        return path

    @contextlib.contextmanager
    def _post(self, *_: object, headers: dict[str, Any], **__: object) -> Iterator[Any]:
        self.asked.append(headers.get("X-Registry-Auth"))
        yield self

    def _raise_for_status(self, *_: object) -> None: ...

    def _stream_helper(self, *_: object, **__: object) -> Iterator[dict[str, Any]]:
        for line in self.lines:
            self.read += 1
            yield line


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path))


def pull(engine: Engine, name: str, *, login: bool = False, budget: Budget | None = None) -> tuple[str | None, str]:
    puller = Puller(engine, on_progress=lambda _: None)
    parsed = catalogue.parse(name)
    assert parsed is not None
    found = puller.pull(parsed, login=login, budget=budget)
    return found, puller.failures[str(parsed)].kind if found is None else ""


def test_what_a_submission_names_is_pulled_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The login of whoever grades opens their private images, which would then run beside a submission's programs."""
    monkeypatch.setattr("docker.auth.get_config_header", lambda *_: base64.b64encode(b"mine"))
    engine = Engine()
    assert pull(engine, "ghcr.io/teacher/solutions:1") == (f"ghcr.io/teacher/solutions@{DIGEST}", "")
    assert [json.loads(base64.b64decode(asked)) if asked else asked for asked in engine.asked] == [{}, {}]
    engine = Engine()
    assert pull(engine, "redis:7", login=True)[1] == ""
    assert engine.asked == [None, base64.b64encode(b"mine")]


def test_a_digest_is_not_asked_for() -> None:
    """It is pulled as it is written."""
    engine = Engine()
    assert pull(engine, f"ruby@{DIGEST}") == (f"ruby@{DIGEST}", "")
    assert engine.asked == [NOBODY]


def test_a_pull_ends_when_its_layers_are_too_large() -> None:
    """As soon as the registry has said so much of them; what it does not say is counted as it comes."""
    engine = Engine(LAYERS)
    assert pull(engine, "some/x:1", budget=Budget(engine, 70)) == (f"some/x@{DIGEST}", "")
    for most, read in ((69, 5), (29, 3)):
        engine = Engine(LAYERS)
        assert pull(engine, "some/x:1", budget=Budget(engine, most)) == (None, "too-large")
        assert engine.read == read


def test_images_of_one_submission_share_what_they_may_weigh() -> None:
    """A layer that two of them have counts once."""
    engine = Engine(LAYERS)
    budget = Budget(engine, 100)
    assert pull(engine, "some/x:1", budget=budget)[1] == ""
    assert pull(engine, "some/y:1", budget=budget)[1] == ""
    engine.lines = [{**line, "id": f"other-{line['id']}"} for line in LAYERS]
    assert pull(engine, "some/z:1", budget=budget)[1] == "too-large"


def test_an_image_that_unpacks_to_more_than_it_may_is_removed_again() -> None:
    """A registry tells the size of what it sends, not of what comes out of it."""
    engine = Engine(attributes={"Size": 200 * MIB})
    assert pull(engine, "some/x:1", budget=Budget(engine, 199)) == (None, "too-large")
    assert engine.removed == [f"some/x@{DIGEST}"]
    assert pull(engine, "some/x:1", budget=Budget(engine, 200))[1] == ""


@pytest.mark.parametrize(
    ("left", "kind"), [([20_000, 9_000], "too-large"), ([2_000, 500], "full"), ([20_000, 12_000], "")]
)
def test_the_disk_is_watched_while_layers_unpack(monkeypatch: pytest.MonkeyPatch, left: list[int], kind: str) -> None:
    """What fills it is ended: as the image's fault where it took far more than it may, else as nobody's."""
    readings = iter([left[0], *([left[1]] * 20)])
    monkeypatch.setattr(budgets, "_LOOK_S", 0.0)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=next(readings) * MIB))
    engine = Engine([LAYERS[-1]] * 3)
    assert pull(engine, "some/x:1", budget=Budget(engine, 6144))[1] == kind


def test_what_an_image_brings_along_is_what_the_engine_says() -> None:
    """Every part of its configuration that has a limit."""
    config = {
        "Env": ["A=1"], "Volumes": {"/data": {}}, "ExposedPorts": {"80/tcp": {}}, "User": "app", "WorkingDir": "/app",
        "Shell": ["/bin/bash", "-c"], "StopSignal": "SIGQUIT", "Labels": {"x": "y"}, "OnBuild": ["RUN x"],
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 500_000_000, "Timeout": 90_000_000_000},
    }  # fmt: skip
    resolved = {"x:1": ResolvedImage(name="x:1", reference="x@y")}

    def found(config: dict[str, Any] | None) -> PulledImage:
        return facts(Engine(attributes={"Config": config, "Size": 5}), resolved, ["x:1"])["x:1"]

    assert found(config) == PulledImage(
        name="x:1", size=5, env=("A=1",), volumes=("/data",), ports=("80/tcp",), user="app", folder="/app",
        shell=("/bin/bash", "-c"), stop_signal="SIGQUIT", labels=("x",), triggers=("RUN x",),
        health=Health(interval=0.5, timeout=90.0),
    )  # fmt: skip
    assert found({**config, "Healthcheck": {"Test": ["NONE"]}}).health is None
    assert found(None) == PulledImage(name="x:1", size=5)
