"""The equivalents of Node start, know the original's user and tools, and build a student's Dockerfile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import docker.errors
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.grade import ResolvedImage

pytestmark = pytest.mark.docker

ALPINES = ["node:20-alpine", "node:22-alpine"]

# One small package, pinned by its hash.
LOCK = {
    "name": "app",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "requires": True,
    "packages": {
        "": {"name": "app", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}},
        "node_modules/ms": {
            "version": "2.1.3",
            "integrity": "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq"
            "/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==",
        },
    },
}
DOCKERFILE = """
FROM {base}
WORKDIR /app
RUN addgroup -S app && adduser -S app -G app && adduser -D -H -s /bin/false -u 1234 plain
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY . .
USER app
HEALTHCHECK CMD wget -qO- http://127.0.0.1:3000/health || exit 1
CMD ["node", "main.js"]
"""


@pytest.mark.parametrize("name", ALPINES)
def test_tools_and_user(name: str, equivalent: Callable[[str], ResolvedImage], output: Callable[..., str]):
    """node is the version that the label says; npm, npx, corepack, the user and BusyBox's tools are there."""
    image = equivalent(name)
    assert output(image.reference, "node", "--version") == f"v{image.version}\n"
    for tool in ("npm", "npx", "corepack"):
        assert output(image.reference, tool, "--version").strip()
    assert output(image.reference, "id", "node") == "uid=1000(node) gid=1000(node) groups=1000(node)\n"
    assert output(image.reference, "sh", "-c", "command -v wget nc vi && pwd").splitlines()[-1] == "/"


@pytest.mark.parametrize("name", ALPINES)
def test_entrypoint(name: str, equivalent: Callable[[str], ResolvedImage], output: Callable[..., str]):
    """Options and words that are no command go to node; commands run as they are."""
    reference = equivalent(name).reference
    assert output(reference, "-p", "6*7") == "42\n"
    assert output(reference, "echo", "hello") == "hello\n"
    with pytest.raises(docker.errors.ContainerError) as caught:
        output(reference, "missing.js")
    assert b"Cannot find module '/missing.js'" in caught.value.stderr


@pytest.mark.parametrize("name", ALPINES)
def test_a_students_dockerfile(
    name: str,
    equivalent: Callable[[str], ResolvedImage],
    built: Callable[[dict[str, str]], str],
    output: Callable[..., str],
):
    """npm ci installs from a lock, Alpine's user commands work, and the program runs as that user."""
    image = built(
        {
            "Dockerfile": DOCKERFILE.format(base=equivalent(name).reference),
            "package.json": json.dumps({"name": "app", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}}),
            "package-lock.json": json.dumps(LOCK),
            "main.js": "console.log(require('ms')('2 days'), require('os').userInfo().username)",
        }
    )
    assert output(image) == "172800000 app\n"
    assert output(image, "id", "-u", "plain") == "1234\n"


def test_apk(equivalent: Callable[[str], ResolvedImage], output: Callable[..., str]):
    """What the equivalent does not have fails with a line that tells the grader so; some packages it can give."""
    reference = equivalent("node:20-alpine").reference
    with pytest.raises(docker.errors.ContainerError) as caught:
        output(reference, "apk", "add", "--no-cache", "vips-dev")
    assert caught.value.exit_status == 127
    assert b"GRADER-EQUIVALENT-LACKS apk add --no-cache vips-dev" in caught.value.stderr
    installed = output(reference, "sh", "-c", "apk add --no-cache tini~=0.19 >/dev/null && command -v tini")
    assert installed.splitlines()[-1].endswith("/tini")


def test_slim_has_no_alpine_tools(equivalent: Callable[[str], ResolvedImage], output: Callable[..., str]):
    """The -slim variant lacks what the original -slim lacks: a health check by wget fails there too."""
    with pytest.raises(docker.errors.ContainerError):
        output(equivalent("node:20-slim").reference, "sh", "-c", "command -v wget || command -v apk")
