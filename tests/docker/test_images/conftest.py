"""Equivalents of the images, started and built upon as a student would."""

from __future__ import annotations

import io
import tarfile
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.docker.commands import written
from tests.docker.missing import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker
    from docker.models.containers import Container

    from grader.model.grade import ResolvedImage

# What every container of a submission runs under.
DROPPED = ["MKNOD", "NET_RAW", "AUDIT_WRITE", "SYS_CHROOT", "SETFCAP", "SETPCAP"]
OURS = {"grader.test": "images"}


@pytest.fixture(scope="session")
def equivalent(engine: docker.DockerClient) -> Callable[[str], ResolvedImage]:
    """Return the equivalent of a name, built if it is not there."""
    return lambda name: resolved(engine, [name], mode="equivalent")[name]


@pytest.fixture
def output(engine: docker.DockerClient) -> Callable[..., str]:
    """Run a command in a fresh container and return what it wrote; docker.errors.ContainerError if it fails."""

    def run(image: str, *command: str, **options: object) -> str:
        return written(engine, image, command, labels=OURS, **options).decode()

    return run


@pytest.fixture
def container(engine: docker.DockerClient) -> Iterator[Callable[..., Container]]:
    """Start containers under a submission's limits, with files put in before; they are removed afterwards."""
    made: list[Container] = []

    def start(image: str, *, files: dict[str, str] | None = None, **options: object) -> Container:
        new = engine.containers.create(
            image,
            labels=OURS,
            mem_limit="512m",
            memswap_limit="512m",
            cap_drop=DROPPED,
            security_opt=["no-new-privileges:true"],
            **options,
        )
        made.append(new)
        if files:
            new.put_archive("/", archive(files))
        new.start()
        return new

    yield start
    for each in made:
        each.remove(force=True, v=True)


@pytest.fixture
def built(engine: docker.DockerClient) -> Iterator[Callable[[dict[str, str]], str]]:
    """Build a student's folder (with a Dockerfile) and return the image's name; it is removed afterwards."""
    names: list[str] = []

    def build(files: dict[str, str]) -> str:
        name = f"grader.local/test:{uuid.uuid4().hex[:12]}"
        engine.images.build(fileobj=io.BytesIO(archive(files)), custom_context=True, tag=name, rm=True, forcerm=True)
        names.append(name)
        return name

    yield build
    for name in names:
        engine.images.remove(name, force=True)


def archive(files: dict[str, str]) -> bytes:
    """Return a tar archive of these files by path, readable for all."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()
