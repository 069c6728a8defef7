"""The grader's own image: built from the checkout, it grades on the engine whose socket or address it is given."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import tarfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import pytest

from grader.images.endpoint import current_endpoint
from tests.docker import classes
from tests.docker.missing import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
OUT = "/var/cache/grader/out"
SOMEBODY = "12345:12345"  # nobody's user, as on a host whose users the image does not know
WORK = {
    "app.py": classes.APP.format(name="entrega", before="", says="hola"),
    "Dockerfile": classes.DOCKERFILE.format(build=""),
    "compose.yaml": classes.COMPOSE,
}


@pytest.fixture(scope="module")
def built(engine: docker.DockerClient, image: Callable[[str], str]) -> Iterator[str]:
    """The image's id. It is built on the catalogue's Python, without git, which no test here needs."""
    arguments = {"BASE": image("python:3.13-slim"), "PACKAGES": ""}
    stream = engine.api.build(path=str(ROOT), buildargs=arguments, rm=True, forcerm=True, decode=True, timeout=400)
    said = "".join(str(part.get("stream") or part.get("error") or "") for part in stream)
    done = re.search(r"^Successfully built ([0-9a-f]{12})$", said, re.MULTILINE)
    assert done, said[-3000:]
    yield done[1]
    engine.images.remove(done[1])


@pytest.fixture
def run(engine: docker.DockerClient, built: str) -> Iterator[Callable[..., tuple[int, str, Any]]]:
    """Run the grader in a container that is gone afterwards; gives exit code, output and result.json (or None)."""
    started = []

    def call(*argv: str, files: dict[str, str] | None = None, **more: Any) -> tuple[int, str, Any]:
        container = engine.containers.create(built, list(argv), init=True, network_mode="host", user=SOMEBODY, **more)
        started.append(container)
        container.put_archive("/work", _archive(files or {}))
        container.start()
        code = container.wait(timeout=200)["StatusCode"]
        return code, container.logs().decode("utf-8", "replace"), _result(container)

    yield call
    for container in started:
        container.remove(force=True, v=True)


def _sees(engine: docker.DockerClient, socket: str) -> bool:
    """Say whether the engine finds its own socket where we do: it may run on another machine's files."""
    base = resolved(engine, ["python:3.13-slim"])["python:3.13-slim"].reference
    look = ["python3", "-c", "import os, stat, sys; sys.exit(not stat.S_ISSOCK(os.stat('/s').st_mode))"]
    container = engine.containers.create(base, look, volumes=[f"{socket}:/s"], network_mode="none")
    try:
        container.start()
        return bool(container.wait(timeout=60)["StatusCode"] == 0)
    finally:
        container.remove(force=True)


@pytest.fixture
def mounted(engine: docker.DockerClient) -> dict[str, Any]:
    """What a container needs to use this engine's socket: the mount, and the group that may."""
    scheme, _, path = current_endpoint().partition("://")
    if scheme != "unix" or not _sees(engine, path):
        pytest.skip("this engine has no socket to mount, or other files than this machine")
    return {"volumes": [f"{path}:/var/run/docker.sock"], "group_add": [str(Path(path).stat().st_gid)]}


def test_it_grades_through_the_mounted_socket(run, mounted) -> None:
    """As nobody of this host, whose group alone may use the engine; what it starts is reached over the loopback."""
    here = ROOT / "tests" / "docker" / "assignments" / "hello"
    rubric = [p for p in here.rglob("*") if p.suffix in {".py", ".yaml"}]
    checks = {f"pack/hello/{p.relative_to(here).as_posix()}": p.read_text("utf-8") for p in rubric}
    work = {f"entrega/{name}": text for name, text in WORK.items()}
    argv = ["grade", "hello", "entrega", "--assignments", "/work/pack", "--only", "hello.says", "--out", OUT]
    code, output, result = run(*argv, files=checks | work, **mounted)
    assert code == 0, output
    assert result["status"] == "final"
    assert [c["outcome"] for c in result["checks"] if c["id"] == "hello.says"] == ["passed"]


def test_it_finds_what_it_needs_with_a_tcp_engine(run, tmp_path: Path) -> None:
    """DOCKER_HOST alone, no socket and no group; Compose is in the image."""
    scheme, _, path = current_endpoint().partition("://")
    if scheme != "unix":
        pytest.skip("this engine has no socket that a relay could lead to")
    with _relay(path) as port:
        code, output, _ = run("doctor", "--lang", "en", environment={"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
    assert f"tcp://127.0.0.1:{port}" in output
    assert "Docker Compose" in output
    assert code in {0, 1, 3}, output  # how much disk and memory there is, is not asked here


def test_it_holds_no_hidden_check(run) -> None:
    """What the image brings is the students' part; an instructor mounts the rest."""
    code, output, _ = run(
        "-c", "find / -xdev -path '*task-queue*' -name '*.py'; id -u", entrypoint=["/bin/sh"], environment={}
    )
    assert code == 0
    assert "public/test_public.py" in output
    assert "hidden" not in output
    assert output.split()[-1] == SOMEBODY.partition(":")[0]


def _archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _result(container: Any) -> Any:
    try:
        parts, _ = container.get_archive(f"{OUT}/result.json")
    except docker.errors.NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as archive:
        file = archive.extractfile("result.json")
        return json.load(file) if file else None


@contextlib.contextmanager
def _relay(path: str) -> Iterator[int]:
    """An address of the loopback that leads to the engine's socket, as an engine that listens on TCP has one."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                inside, _ = listener.accept()
                outside = socket.socket(socket.AF_UNIX)
                outside.connect(path)
                ends.extend((inside, outside))
                for pair in ((inside, outside), (outside, inside)):
                    pumps.append(threading.Thread(target=pump, args=pair, daemon=True))
                    pumps[-1].start()

    ends: list[socket.socket] = []
    pumps: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    server.join(5)
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    for one in pumps:
        one.join(5)
    for end in ends:
        end.close()
