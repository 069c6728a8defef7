"""A right program that ran at home with its data in a folder: graded from that folder, as its containers left it.

One check of each is enough to see that the brokers start and the program works; with EVERY_CHECK=1 all are run.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from grader import assignments, pipeline
from grader.images.endpoint import current_endpoint
from grader.polling import eventually
from grader.stack.compose import find_compose
from grader.verify import subjects
from grader.verify.images import images_of
from grader.verify.judging import problems_of
from tests.docker.commands import written
from tests.docker.missing import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

pytestmark = pytest.mark.docker

REFERENCES = [
    ("rabbitmq-task-queue", "node", "task.done"), ("rabbitmq-task-queue", "python", "task.done"),
    ("redis-cache-aside", "node", "cache.miss"), ("redis-cache-aside", "go", "cache.miss"),
    ("kafka-consumer-group", "node", "events.once"), ("kafka-consumer-group", "python", "events.once"),
]  # fmt: skip
EVERY_CHECK = bool(os.environ.get("EVERY_CHECK"))
UP_S = 300


class Home:
    """A student's machine: plain Compose in the student's own folder, with binds of that folder."""

    def __init__(self, engine: docker.DockerClient, folder: Path, aside: Path) -> None:
        self.engine = engine
        self.folder = folder
        self._project = f"home-{secrets.token_hex(4)}"
        self._override = aside / "override.yaml"
        self._env = {"PATH": os.environ["PATH"], "HOME": str(aside), "DOCKER_HOST": current_endpoint()}
        self._image = ""

    def bind(self) -> list[str]:
        """Write `./data/NAME` wherever the compose file names a volume; return the names."""
        file = self.folder / "compose.yaml"
        text = file.read_text("utf-8")
        names = sorted(yaml.safe_load(text)["volumes"])
        for name in names:
            (self.folder / "data" / name).mkdir(parents=True, mode=0o777)
            (self.folder / "data" / name).chmod(0o777)  # as students do: Kafka does not run as root
            text = re.sub(rf"^(\s+- ){re.escape(name)}:/", rf"\g<1>./data/{name}:/", text, flags=re.MULTILINE)
        file.write_text(text, "utf-8")
        return names

    def run(self, images: dict[str, str], bound: list[str]) -> None:
        """Start what keeps data and is not built here, wait until it has kept some, and stop it as Ctrl-C does."""
        services: dict[str, Any] = yaml.safe_load((self.folder / "compose.yaml").read_text("utf-8"))["services"]
        stores = {
            name: images[service["image"]]
            for name, service in services.items()
            if service.get("image") in images and service.get("volumes")
        }
        lines = ["services:"]
        for name, image in stores.items():  # the reference that stands for the image here; no port of this machine
            lines += [f"  {name}:", f"    image: {image}", "    pull_policy: never", "    ports: !override []"]
        self._override.write_text("\n".join(lines) + "\n", "utf-8")
        self._image = next(iter(stores.values()))
        self._compose("up", "--detach", "--wait", "--no-deps", *stores)
        if os.geteuid() == 0:  # others may not look into all of them
            for name in bound:  # not every broker here has a health check
                eventually(partial(self._kept, name), within=UP_S, every=0.2, what=f"data in {name}")
        self._compose("stop")

    def _kept(self, name: str) -> bool:
        return any((self.folder / "data" / name).iterdir())

    def leave(self) -> None:
        """Remove containers and networks, and then what is in the folder: it belongs to the containers' users."""
        if not self._image:
            return
        self._compose("down", "--volumes", "--timeout", "5")
        written(
            self.engine, self._image, ["-rf", "/home-of-student/data"], entrypoint="rm", user="0", network_mode="none",
            volumes={str(self.folder): {"bind": "/home-of-student", "mode": "rw"}},
        )  # fmt: skip

    def _compose(self, *arguments: str) -> None:
        files = ("-f", str(self.folder / "compose.yaml"), "-f", str(self._override))
        done = subprocess.run(
            [str(find_compose()), "-p", self._project, *files, *arguments],
            cwd=self.folder, env=self._env, capture_output=True, text=True, timeout=UP_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def _shares_folders(engine: docker.DockerClient, image: str, folder: Path) -> bool:
    """Say whether the engine sees this machine's folders; one on another host does not."""
    (folder / "here").touch()
    seen = written(
        engine, image, ["/folder"], entrypoint="ls", network_mode="none",
        volumes={str(folder): {"bind": "/folder", "mode": "ro"}},
    )  # fmt: skip
    return b"here" in seen


@pytest.fixture
def home(engine: docker.DockerClient, image: Callable[[str], str], tmp_path: Path) -> Iterator[Home]:
    """A folder that the engine can bind; containers and what they left are removed afterwards."""
    (tmp_path / "aside").mkdir()
    if not _shares_folders(engine, image("redis:7-alpine"), tmp_path / "aside"):
        pytest.skip("the engine runs on another host")
    found = Home(engine, tmp_path / "tarea", tmp_path / "aside")
    yield found
    found.leave()


@pytest.mark.parametrize(("of", "name", "one"), REFERENCES)
def test_a_reference_that_ran_at_home_passes(
    engine: docker.DockerClient, home: Home, of: str, name: str, one: str
) -> None:
    """Its volumes are binds, its containers have filled and left them: it passes, and each is said to begin empty."""
    assignment = assignments.load(of)
    images = {image: found.reference for image, found in resolved(engine, images_of(assignment)).items()}
    subject = subjects.subject(assignment, name)
    subject.lay(home.folder)
    bound = home.bind()
    home.run(images, bound)

    checks = () if EVERY_CHECK else (one,)
    result = pipeline.grade(home.folder, assignment, lambda _event: None, pipeline.Options(checks=checks))
    said = {f.file for f in result.findings if f.code == "data-left-behind"}
    assert said == {f"data/{volume}" for volume in bound}
    cells = {o.check: (o.verdict, o.reason) for o in result.outcomes}
    assert problems_of(subject, cells) == (), [(o.check, o.observed) for o in result.outcomes if o.verdict != "passed"]
    if EVERY_CHECK:
        assert (result.grade.status, result.grade.score) == ("final", 100)
