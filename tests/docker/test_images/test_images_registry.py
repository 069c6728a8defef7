"""Pulling, from a registry of the tests' own: what comes, what is said when nothing comes, and whose fault that is.

The policy lets no submission name a registry by address and port, so these tests ask below it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker.errors
import pytest

from grader.errors import ImageMissingError, SubmissionRefusedError, UnusableImagesError
from grader.images import facts, pull, resolve
from grader.model.assignment import Limits
from grader.model.grade import ResolvedImage
from grader.model.plan import ImageUse, StackPlan
from grader.policy import judge_images
from grader.policy.service import CAP_DROP
from grader.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker as sdk

pytestmark = pytest.mark.docker

MIB = 1 << 20
PROGRAM = Path(__file__).with_name("registry_program.py")
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
# Each limit of a Dockerfile, exceeded by an image's own configuration.
HOSTILE: dict[str, Any] = {
    "Env": ["PATH=/bin"],
    "WorkingDir": "/proc/self/fd/8",
    "Volumes": {"/proc": {}},
    "ExposedPorts": {f"{port}/tcp": {} for port in range(1, 60)},
    "User": "root",
    "OnBuild": ["ADD http://127.0.0.1/x /x"],
    "Healthcheck": {"Test": ["CMD", "x"], "Interval": 2_000_000, "Timeout": 600_000_000_000},
    "Labels": {"traefik.enable": "true"},
}


class Registry:
    """A registry on the engine's loopback, and what it has."""

    def __init__(self, container: Any, port: int) -> None:
        self.container = container
        self.host = f"127.0.0.1:{port}"

    def has(self, repository: str, content: bytes = b"hola", tag: str = "1", **config: Any) -> str:
        """Put an image of one file into the registry; return its name. Its layer comes packed."""
        layer = _tar({"content": content})
        files: dict[str, bytes] = {}

        def blob(data: bytes) -> dict[str, Any]:
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            files[f"blobs/{digest}"] = data
            return {"digest": digest, "size": len(data)}

        described = {
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
        kind = "application/vnd.docker"
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{kind}.distribution.manifest.v2+json",
            "config": {"mediaType": f"{kind}.container.image.v1+json", **blob(json.dumps(described).encode())},
            "layers": [{"mediaType": f"{kind}.image.rootfs.diff.tar.gzip", **blob(gzip.compress(layer, 1, mtime=0))}],
        }
        files[f"tags/{repository}/{tag}"] = blob(json.dumps(manifest).encode())["digest"].encode()
        self.container.put_archive("/srv", _tar(files))
        return f"{self.host}/{repository}:{tag}"


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def registry(engine: sdk.DockerClient, image: Callable[[str], str]) -> Iterator[Registry]:
    container = engine.containers.create(
        image("python:3.13-slim"),
        ["python3", "/srv/registry.py"],
        ports={"5000/tcp": ("127.0.0.1", None)},
        labels={"grader.test": "images"},
        mem_limit="512m",
    )
    container.put_archive("/", _tar({"srv/registry.py": PROGRAM.read_bytes()}))
    try:
        container.start()
        container.reload()
        made = Registry(container, int(container.ports["5000/tcp"][0]["HostPort"]))
        name = made.has("good/first")
        eventually(
            lambda: engine.images.get_registry_data(name, auth_config={}),
            within=20,
            what="the registry answers",
            retry_on=(docker.errors.APIError,),
        )
        yield made
    finally:
        container.remove(force=True, v=True)
        for each in engine.images.list():
            if any(digest.startswith(f"{made.host}/") for digest in each.attrs.get("RepoDigests") or []):
                engine.images.remove(each.id, force=True)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No digest is known from before, and no registry for silent."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path))
    pull._silent_registries.cache_clear()


def here(engine: sdk.DockerClient, name: str) -> bool:
    """Say whether any image of this repository is on the engine."""
    return bool(engine.images.list(name.rpartition(":")[0]))


def test_an_image_is_pulled_and_pinned(engine: sdk.DockerClient, registry: Registry) -> None:
    """By digest; the tag may then be moved, or the registry go away, and it is still that image."""
    name = registry.has("good/tiny", content=os.urandom(64))
    said: list[Any] = []
    found = resolve(engine, [name], on_progress=said.append)[name]
    assert found.reference == f"{registry.host}/good/tiny@{found.digest}"
    assert engine.images.get(found.reference).attrs["Size"] > 0
    assert [text.params for text in said] == [{"name": name}]
    registry.has("good/tiny", content=b"moved")
    assert resolve(engine, [name])[name] == found


def test_a_tag_that_the_registry_does_not_have_is_the_fault_of_whoever_names_it(
    engine: sdk.DockerClient, registry: Registry
) -> None:
    """The same for a repository that does not exist, or is private; all of them are named."""
    names = {
        f"{registry.host}/good/first:2": "absent",
        f"{registry.host}/unnamed/x:1": "absent",
        f"{registry.host}/private/x:1": "private",
        f"{registry.host}/denied/x:1": "private",
    }
    with pytest.raises(UnusableImagesError) as caught:
        resolve(engine, [*names, f"{registry.host}/limited/x:1"])
    assert caught.value.images == names


def test_a_limit_of_pulls_is_nobody_s_fault(engine: sdk.DockerClient, registry: Registry) -> None:
    """All images that are missing for it are said in one message."""
    names = [f"{registry.host}/limited/{word}:1" for word in ("ruby", "rust", "bun")]
    with pytest.raises(ImageMissingError) as caught:
        resolve(engine, names)
    assert not isinstance(caught.value, UnusableImagesError)
    assert caught.value.message.params == {"names": ", ".join(names)}
    assert "limit" in caught.value.message.msgid


@pytest.mark.parametrize("behaviour", ["silent", "broken"])
def test_a_registry_that_does_not_answer_is_asked_once(
    engine: sdk.DockerClient, registry: Registry, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    """Whoever grades hears of all images together, in the time of one question, and it is nobody's fault."""
    monkeypatch.setattr(pull, "ANSWER_S", 2.0)
    names = [f"{registry.host}/{behaviour}/{number}:1" for number in range(6)]
    began = time.monotonic()
    with pytest.raises(ImageMissingError) as caught:
        resolve(engine, names)
    assert time.monotonic() - began < 8
    assert not isinstance(caught.value, UnusableImagesError)
    assert caught.value.message.params["names"] == ", ".join(names)
    assert "does not answer" in caught.value.message.msgid


def test_a_registry_that_is_not_there_is_nobody_s_fault(engine: sdk.DockerClient) -> None:
    """Nothing listens on port 1."""
    with pytest.raises(ImageMissingError) as caught:
        resolve(engine, ["127.0.0.1:1/x/y:1"])
    assert "does not answer" in caught.value.message.msgid
    assert "refused" in str(caught.value.message.params["reason"])


def test_layers_that_are_too_large_are_not_fetched_to_their_end(engine: sdk.DockerClient, registry: Registry) -> None:
    """The registry says how large they are before they come."""
    name = registry.has("good/large", content=os.urandom(8 * MIB))
    with pytest.raises(UnusableImagesError) as caught:
        resolve(engine, [name], most_mib=4)
    assert caught.value.images == {name: "too-large"}
    assert not here(engine, name)
    assert resolve(engine, [name], most_mib=16)[name].digest
    assert here(engine, name)


def test_layers_that_unpack_to_too_much_do_not_stay(engine: sdk.DockerClient, registry: Registry) -> None:
    """A hundredth of it comes over the network."""
    name = registry.has("good/bomb", content=bytes(96 * MIB))
    with pytest.raises(UnusableImagesError) as caught:
        resolve(engine, [name], most_mib=64)
    assert caught.value.images == {name: "too-large"}
    assert not here(engine, name)


def test_what_a_pulled_image_brings_along_is_judged(engine: sdk.DockerClient, registry: Registry) -> None:
    """As the engine tells it: folder, volumes, ports, instructions for builds; the rest is put within limits."""
    name = registry.has("good/hostile", **HOSTILE)
    mild = registry.has(
        "good/mild", **{**HOSTILE, "WorkingDir": "/x", "Volumes": {}, "ExposedPorts": {}, "OnBuild": []}
    )
    resolved = resolve(engine, [name, mild])

    def judged(each: str) -> StackPlan:
        use = ImageUse(name="ruby:3.3", file="compose.yaml", line=3, path="services.a.image", catalogue=False)
        service = {
            "image": "ruby:3.3", "restart": "no", "networks": {"default": {}}, "pull_policy": "never",
            "security_opt": ["no-new-privileges:true"], "cap_drop": sorted(CAP_DROP),
            "mem_limit": MIB, "memswap_limit": MIB, "cpus": 1.0, "pids_limit": 9,
        }  # fmt: skip
        compose = {"services": {"a": service}, "networks": {"default": {}}, "volumes": {}}
        plan = StackPlan(compose=compose, images=("ruby:3.3",), uses=(use,))
        as_ruby = {"ruby:3.3": ResolvedImage(name="ruby:3.3", reference=resolved[each].reference)}
        return judge_images(plan, facts(engine, as_ruby, ["ruby:3.3"]), Limits())

    with pytest.raises(SubmissionRefusedError) as caught:
        judged(name)
    assert sorted((f.code, f.line) for f in caught.value.findings) == [
        ("add-remote", 3), ("image-config", 3), ("image-config", 3), ("image-config", 3),
    ]  # fmt: skip
    service = judged(mild).compose["services"]["a"]
    assert service["healthcheck"] == {"interval": "1s", "timeout": "60s"}
    assert service["labels"] == {"traefik.enable": ""}
