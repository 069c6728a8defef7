"""The context of a build, against what BuildKit takes for `COPY . /`, asked of Compose and the running engine.

Wanted differences, which the generated files do not have: a `^` in a pattern with wildcards is a letter (to BuildKit it
is an anchor of a regular expression); `\\` before a letter, a digit or the end parts folders (as on Windows); [*?] and
[[:alpha:]] are refused; patterns find names whose accents are written apart; a .dockerignore that is in the context has
lines of ours at its end; a file that one way of asking the patterns ignores and another one does not (`*`, `!d/f`, `d`)
is there as it is, where BuildKit leaves it empty.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader import process
from grader.model.plan import Build
from grader.stack.compose import find_compose
from grader.stack.image_build import jobs
from tests import contexts

if TYPE_CHECKING:
    from pathlib import Path

    import docker

pytestmark = pytest.mark.docker

Content = dict[str, tuple[bytes, int, str]]  # kind, mode, target of a link
_OURS = {"dev", "proc", "sys", "etc", ".dockerenv"}  # what the engine puts into every container
_COPY = "FROM scratch\nCOPY . /\n"


def content(data: bytes) -> Content:
    """Return what an archive of a container's files holds."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {
            m.name: (m.type, m.mode & 0o777, m.linkname)
            for m in archive
            if m.name.partition("/")[0] not in _OURS and m.name != ".dockerignore"
        }


class Engine:
    """Builds with Compose and BuildKit, and with our own archives; removes what it has made."""

    def __init__(self, client: docker.DockerClient, root: Path) -> None:
        self.client = client
        self.root = root
        self.mark = f"grader-test-context-{os.getpid()}"
        contexts.make(root / "app")

    def files(self, image: str) -> Content:
        """Return what an image holds, and remove it."""
        container = self.client.api.create_container(image, command=["none"])["Id"]
        try:
            return content(b"".join(self.client.api.export(container)))
        finally:
            self.client.api.remove_container(container)
            self.client.api.remove_image(image)

    def prepare(self, ignores: list[str]) -> None:
        """Give each text a Dockerfile of its own, beside the context."""
        for number, text in enumerate(ignores):
            (self.root / f"d{number}").write_text(_COPY)
            (self.root / f"d{number}.dockerignore").write_text(text, "utf-8")

    def theirs(self, ignores: list[str]) -> list[Content]:
        services = {
            f"s{n}": {"image": f"{self.mark}:{n}", "build": {"context": "app", "dockerfile": f"../d{n}"}}
            for n in range(len(ignores))
        }
        (self.root / "compose.yaml").write_text(json.dumps({"services": services}))
        argv = [str(find_compose()), "-p", self.mark, "build", "--quiet"]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "DOCKER_BUILDKIT": "1",
            "COMPOSE_BAKE": "false",
        }
        environment |= {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
        done = process.run(argv, deadline_s=120, env=environment, cwd=self.root)
        assert done.returncode == 0, done.output
        return [self.files(f"{self.mark}:{n}") for n in range(len(ignores))]

    def ours(self, number: int) -> tuple[Content, Content | None]:
        """Return what our archive holds, and for the first one what the engine's classic builder makes of it."""
        build = Build(service=f"s{number}", context="app", dockerfile=f"d{number}", text=_COPY)
        (job,) = jobs.jobs([build], project="p", workspace=self.root, platform=("linux", "amd64"))
        archive = io.BytesIO()
        name = job.archive(archive)
        packed = content(archive.getvalue())
        del packed[name]
        if number:
            return packed, None
        archive.seek(0)
        tag = f"{self.mark}:ours"
        self.client.images.build(
            fileobj=archive, custom_context=True, dockerfile=name, tag=tag, nocache=True, rm=True, forcerm=True
        )
        return packed, self.files(tag)


@pytest.fixture(scope="module")
def builder(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(engine, tmp_path_factory.mktemp("contexts"))


@settings(max_examples=2, suppress_health_check=list(HealthCheck), database=None, report_multiple_bugs=False)
@given(st.lists(contexts.IGNORES, min_size=4, max_size=4))
@example(list(contexts.CASES))
def test_a_build_has_what_buildkit_would_give_it(builder: Engine, ignores: list[str]) -> None:
    """The same paths, kinds and modes, for each file of patterns."""
    builder.prepare(ignores)
    for number, theirs in enumerate(builder.theirs(ignores)):
        packed, built = builder.ours(number)
        assert packed == theirs, ignores[number]
        assert built in (None, theirs)
        if expected := contexts.CASES.get(ignores[number]):
            assert set(theirs) == expected
