"""What a build may take, and what it can reach."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from grader.errors import SubmissionBrokenError
from grader.stack.image_build.builder import BuildLimits
from grader.stack.image_build.egress import host_addresses
from tests.docker.test_stack.builds import FROM, build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("label", ["", "LABEL grader.role=egress grader.project=x\n"], ids=["plain", "labelled"])
def test_a_build_without_end_is_killed(make_stack: Callable[..., Stack], workspace: Path, label: str) -> None:
    """The deadline counts, and the finding says so; labels of an image that is built on do not hide its steps."""
    text = FROM + label + f"RUN echo {os.getpid()} && sleep 300\n"
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(BuildLimits(seconds=3))
    assert broken.value.findings[0].code == "build-timeout"
    stack.down()


@pytest.mark.parametrize(
    ("step", "limits", "code", "said"),
    [
        ("head -c 1G /dev/zero > /a && head -c 1G /dev/zero > /b", {"disk_mib": 300}, "build-disk", ""),
        ("python3 -c 'x = bytearray(400 << 20); print(len(x))'", {"memory_mib": 128}, "build-failed", "137"),
        (
            "python3 -c 'import os, time; [time.sleep(.02) or os.fork() or time.sleep(60) for _ in range(300)]'",
            {"pids": 50},
            "build-failed",
            "BlockingIOError",
        ),
        ("while :; do echo flood; done", {"seconds": 5}, "build-timeout", "flood"),
    ],
)
def test_a_step_is_held_to_its_limits(
    step: str, limits: dict[str, Any], code: str, said: str, make_stack: Callable[..., Stack], workspace: Path
) -> None:
    """Disk, memory, processes, time: each ends the build with its own word, and nothing of it goes on."""
    text = FROM + f"RUN echo {os.getpid()} && {step}\n"
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(BuildLimits(**{"seconds": 60, **limits}))
    (finding,) = broken.value.findings
    assert (finding.code, finding.line) == (code, 2)
    assert said in "\n".join(finding.detail)
    running = stack.client.api.containers(filters={"label": f"grader.project={stack.info.project}"})
    assert [c["Labels"]["grader.role"] for c in running] == ["gateway"]
    stack.down()


SCAN = """
import socket, sys
for host in sys.argv[1:]:
    for port in (80, 443, 2375, 5000):
        try:
            with socket.create_connection((host, port), 1) as found:
                found.settimeout(1)
                found.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                print("REACHED", host, port, found.recv(20))
        except OSError as error:
            print("closed", host, port, type(error).__name__)
"""


def test_a_step_that_scans_the_host_finds_nothing(
    make_stack: Callable[..., Stack], workspace: Path, python_image: str
) -> None:
    """Neither a server of the host on any of its addresses nor metadata services; packages can be had all the same."""
    (workspace / "app" / "scan.py").write_text(SCAN)
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        (workspace / "app" / "scan.py").write_text(SCAN.replace("5000", str(port)))
        near = [a.removesuffix("/32") for a in host_addresses() if not a.startswith("127.")][:4]
        text = FROM + "RUN apt-get update\n"
        text += f"COPY . /app\nRUN python3 /app/scan.py {' '.join([*near, '169.254.169.254', '127.0.0.1'])}\n"
        stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
        lines: list[str] = []
        stack.build(BuildLimits(seconds=120), on_line=lines.append)
    assert any(line.startswith("closed") for line in lines)
    assert not [line for line in lines if line.startswith("REACHED")]
    stack.down()
