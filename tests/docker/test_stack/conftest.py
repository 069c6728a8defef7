"""Real stacks for the tests: small Python services on the images that the grader builds itself."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

import pytest

from grader.images.endpoint import connect
from grader.model.plan import StackPlan
from grader.stack.stack import Stack
from grader.stack.stage import new_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

PYTHON = "grader.local/python:3.13-slim"

# Answers each connection with its host name, then echoes.
ECHO = """
import socket, socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(socket.gethostname().encode() + b"\\n")
        while data := self.request.recv(65536):
            self.request.sendall(data)
socketserver.ThreadingTCPServer.allow_reuse_address = True
print("listening", flush=True)
socketserver.ThreadingTCPServer(("", 7000), Echo).serve_forever()
"""


@pytest.fixture(scope="session")
def python_image() -> str:
    return PYTHON


@pytest.fixture(scope="session")
def echo() -> Callable[..., dict[str, Any]]:
    """A service that listens on 7000, with more attributes as given."""

    def service(**more: Any) -> dict[str, Any]:
        return {"image": PYTHON, "init": True, "command": ["python3", "-c", ECHO], **more}

    return service


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    engine = connect()
    yield engine
    engine.close()


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_CACHE", str(folder))
        yield folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A submission with a space and an accent in its path."""
    root = tmp_path / "entrega de José"
    (root / "app").mkdir(parents=True)
    (root / "app" / "main.py").write_text("print('soy la aplicación', flush=True)\nimport time\ntime.sleep(600)\n")
    return root


@pytest.fixture(scope="module")
def make_stack(
    client: docker.DockerClient, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Stack]]:
    """Make a stack of these services; all are taken down after the module."""
    with contextlib.ExitStack() as after:

        def make(services: dict[str, Any], *, workspace: Path | None = None, **plan: Any) -> Stack:
            compose = {"services": services, **plan.pop("compose", {})}
            stack = Stack.create(
                client,
                StackPlan(compose=compose, **plan),
                workspace or tmp_path_factory.mktemp("workspace"),
                gateway_image=PYTHON,
                stage=new_stage(),
                on_notice=lambda _: None,
            )
            after.callback(stack.down)
            return stack

        yield make


@pytest.fixture(scope="module")
def talk() -> Callable[[tuple[str, int]], str]:
    """Connect to an address, send a word and return what comes back: "<hostname> <echo>", or the kind of end."""

    def connect_and_talk(address: tuple[str, int], timeout: float = 5.0) -> str:
        try:
            with socket.create_connection(address, timeout=timeout) as connection, connection.makefile("rwb") as file:
                name = file.readline().strip().decode()
                if not name:
                    return "closed"
                file.write(b"hello\n")
                file.flush()
                return f"{name} {file.readline().strip().decode()}"
        except ConnectionResetError:
            return "reset"
        except TimeoutError:
            return "silent"

    return connect_and_talk
