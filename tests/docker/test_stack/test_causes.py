"""What the engine, a builder and shells really say of a program or a file that is not there leads to its cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from grader.errors import SubmissionBrokenError
from grader.i18n import render
from grader.model.plan import Build
from grader.stack import start_failure
from grader.stack.image_build.builder import BuildLimits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model.findings import Finding
    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker

FROM = "FROM grader.local/python:3.13-slim\n"
RUNS = FROM + "WORKDIR /app\nCOPY start.sh .\n"


def api(folder: Path, text: str, **files: bytes) -> dict[str, Any]:
    """Write the folder of a service `api`; return the plan's part for it. Names are given with _ for the dot."""
    (folder / "api").mkdir()
    (folder / "api" / "Dockerfile").write_text(text)
    for name, data in files.items():
        (folder / "api" / name.replace("_", ".")).write_bytes(data)
    build = Build(service="api", context="api", dockerfile="api/Dockerfile", text=text)
    return {"workspace": folder, "builds": (build,)}


def said(finding: Finding | None) -> tuple[str, str, int]:
    assert finding
    assert finding.remedy
    return f"{render(finding.message, 'en')} {render(finding.remedy, 'en')}", finding.file, finding.line


def test_a_health_check_whose_program_is_not_there(
    make_stack: Callable[..., Stack], python_image: str, echo: Any
) -> None:
    """It is shown where reports cut nothing off, behind the log of the service, which knows nothing of it."""
    test = ["CMD-SHELL", "kafka-topics.sh --bootstrap-server localhost:9092 --list"]
    stack = make_stack(
        {
            "kafka": {
                "image": python_image,
                "init": True,
                "command": ["sh", "-c", "echo Kafka Server started; sleep 60"],
                "healthcheck": {"test": test, "interval": "1s", "retries": 1, "timeout": "5s"},
            },
            "processor": echo(depends_on={"kafka": {"condition": "service_healthy"}}),
        }
    )
    with pytest.raises(SubmissionBrokenError) as failed:
        stack.up(deps=True, deadline_s=60)
    (finding,) = failed.value.findings
    text, _, _ = said(finding)
    assert "kafka is unhealthy. Its health check says: /bin/sh: 1: kafka-topics.sh: not found" in text
    assert "The image of kafka has no kafka-topics.sh" in text
    assert (finding.code, finding.path) == ("start-failed", "services.kafka.healthcheck")
    assert finding.detail[-2:] == (
        "kafka-1 | health check, exit code 127:",
        "kafka-1 | /bin/sh: 1: kafka-topics.sh: not found",
    )
    assert "kafka-1 | Kafka Server started" in finding.detail
    stack.down()


@pytest.mark.parametrize(
    ("command", "script", "words"),
    [
        ('CMD ["./start.sh"]', b"#!/bin/sh\r\necho hola\r\n", "CRLF"),
        ("RUN chmod +x start.sh\nCMD ./start.sh", b"#!/usr/bin/env bash\r\necho hola\r\n", "CRLF"),
        ('CMD ["sh", "start.sh"]', b"#!/bin/sh\nset -e\r\necho hola\n", ""),
        ('CMD ["./start.sh"]', b"echo hola\n", "does not say which program runs it"),
        ('CMD ["./start.sh"]', b"#!/bin/ksh\necho hola\n", "#!/bin/ksh"),
    ],
)
def test_a_program_that_is_not_run(
    command: str, script: bytes, words: str, make_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    """Line ends, formats and interpreters, from the container's own log; nothing where the file shows nothing."""
    planned = api(tmp_path, f"{RUNS}{command}\n", start_sh=script)
    (tmp_path / "api" / "start.sh").chmod(0o755)
    stack = make_stack({"api": {"image": "build:api"}}, **planned)
    stack.build(BuildLimits(seconds=60))
    stack.up(deps=True)
    stack.client.api.wait(stack.container("api-1").id, timeout=20)
    finding = start_failure.not_ready(stack.containers("api"), stack.sources, "api", asked=False)
    if words:
        text, file, line = said(finding)
        assert words in text
        assert (file, line) == ("api/start.sh", 1)
    else:
        assert finding is None
    stack.down()


def test_a_program_without_its_x_bit(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    """The engine refuses to start it; the line that copies it is named, and what to write behind it."""
    stack = make_stack(
        {"api": {"image": "build:api"}}, **api(tmp_path, f'{RUNS}CMD ["./start.sh"]\n', start_sh=b"#!/bin/sh\n")
    )
    stack.build(BuildLimits(seconds=60))
    with pytest.raises(SubmissionBrokenError) as failed:
        stack.up(deps=True)
    text, file, line = said(failed.value.findings[0])
    assert text.endswith("behind line 3 that copies it: RUN chmod +x ./start.sh")
    assert (file, line) == ("api/Dockerfile", 3)
    stack.down()


@pytest.mark.parametrize(
    ("step", "ignored", "words", "place"),
    [
        ("COPY package-lock.json .", b"node_modules\n*-lock.json\n", "Remove line 2", ("api/.dockerignore", 2)),
        ("COPY package-lock.json .", b"x\n", "Hand in package-lock.json", ("api/Dockerfile", 2)),
        ("COPY Package.json .", b"x\n", "Write package.json in line 2", ("api/Dockerfile", 2)),
        ("RUN pip install -r package.txt", b"x\n", "which is not in its folder", ("api/Dockerfile", 2)),
    ],
)
def test_a_file_that_a_build_does_not_have(
    step: str,
    ignored: bytes,
    words: str,
    place: tuple[str, int],
    make_stack: Callable[..., Stack],
    tmp_path: Path,
) -> None:
    """Hidden, not handed in, called otherwise, or not copied: by the builder's words."""
    files = {"package_json": b"{}", "_dockerignore": ignored}
    if "lock" in ignored.decode():
        files["package-lock_json"] = b"{}"
    stack = make_stack({"api": {"image": "build:api"}}, **api(tmp_path, f"{FROM}{step}\n", **files))
    with pytest.raises(SubmissionBrokenError) as failed:
        stack.build(BuildLimits(seconds=60))
    text, file, line = said(failed.value.findings[0])
    assert words in text
    assert (file, line) == place
    stack.down()
