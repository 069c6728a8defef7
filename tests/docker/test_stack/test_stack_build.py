"""Building, filling volumes, starting, and what is said when these fail."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from grader.errors import GraderError, SubmissionBrokenError
from grader.model.plan import Build, Fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker

FROM = "FROM grader.local/python:3.13-slim\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A submission with a space and an accent in its path."""
    root = tmp_path / "entrega de José"
    (root / "app").mkdir(parents=True)
    (root / "app" / "main.py").write_text("print('soy la aplicación', flush=True)\nimport time\ntime.sleep(600)\n")
    return root


def build(service: str, text: str, **more: Any) -> Build:
    return Build(service=service, context="app", dockerfile="app/Dockerfile", text=text, **more)


def logs(stack: Stack, container: str) -> str:
    target = stack.container(container)
    stack.client.api.wait(target.id, timeout=20)
    return "\n".join(target.logs())


def test_images_are_built_from_the_staged_copy(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """One folder for two services is built once; .dockerignore counts; labels and names are ours; `down` removes it."""
    (workspace / "app" / "secret.txt").write_text("no")
    (workspace / "app" / ".dockerignore").write_text("secret.txt\nDockerfile\n")
    (workspace / "app" / "Dockerfile").write_text("FROM somewhere/else\n")
    text = FROM + 'ARG WHO=nobody\nCOPY . /app\nRUN ls -A /app > /list; echo "$WHO" >> /list\nCMD ["cat", "/list"]\n'
    stack = make_stack(
        {"api": {"image": "build:api"}, "worker": {"image": "build:worker"}},
        workspace=workspace,
        builds=(build("api", text, args={"WHO": "me"}), build("worker", text, args={"WHO": "me"})),
    )
    lines: list[str] = []
    stack.build(deadline_s=60, on_line=lines.append)
    stack.up(deps=True)
    assert logs(stack, "api-1").split() == [".dockerignore", "main.py", "me"]
    images = {c.inspect()["Image"] for c in stack.containers()}
    assert len(images) == 1
    assert any("COPY . /app" in line for line in lines)
    found = stack.client.images.get(images.pop())
    assert found.labels["grader.project"] == stack.info.project
    stack.down()
    with pytest.raises(Exception, match="No such image"):
        stack.client.images.get(str(found.id))


def test_a_failing_step_is_named_with_its_line(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """The finding has the line of the student's file, though ours is another, and the step's last output."""
    step = "RUN echo 'No such image: python' \\\n && exit 7\n"
    original = "# the student's own\nFROM python:3.13-slim\n\nLABEL a=b\nCOPY . /app\n" + step
    (workspace / "app" / "Dockerfile").write_text(original)
    text = FROM + "COPY . /app\n" + step
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(deadline_s=60)
    (finding,) = broken.value.findings
    assert (finding.code, finding.file, finding.line) == ("build-failed", "app/Dockerfile", 6)
    assert any("No such image" in line for line in finding.detail)
    stack.down()


def test_the_failing_one_of_two_builds_is_named(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """With a sound build beside it, the finding speaks of the broken one."""
    builds = (build("api", FROM + "COPY . /app\n"), build("worker", FROM + "COPY nowhere.txt /app/\n"))
    stack = make_stack(
        {"api": {"image": "build:api"}, "worker": {"image": "build:worker"}}, workspace=workspace, builds=builds
    )
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(deadline_s=60)
    assert broken.value.findings[0].path == "services.worker.build"
    assert any("nowhere.txt" in line for line in broken.value.findings[0].detail)
    stack.down()


def test_a_build_without_end_is_killed(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """The deadline counts, and the finding says so."""
    text = FROM + f"RUN echo {os.getpid()} && sleep 300\n"
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(deadline_s=3)
    assert broken.value.findings[0].code == "build-timeout"
    stack.down()


def test_folders_become_filled_volumes(make_stack: Callable[..., Stack], workspace: Path, python_image: str) -> None:
    """Content, sub-folders and links arrive; nothing of the host is mounted."""
    (workspace / "seed" / "deep").mkdir(parents=True)
    (workspace / "seed" / "deep" / "ñ.sql").write_text("select 1")
    (workspace / "seed" / "link").symlink_to("deep/ñ.sql")
    show = ["sh", "-c", "cat /seed/link && stat -c ' %u %F' /seed/deep"]
    stack = make_stack(
        {"one": {"image": python_image, "command": show, "volumes": ["seed:/seed:ro"]}},
        workspace=workspace,
        compose={"volumes": {"seed": {}}},
        fills=(Fill(volume="seed", source="seed"),),
    )
    stack.up(deps=True)
    assert logs(stack, "one-1") == "select 1 0 directory"
    mounts = stack.container("one-1").inspect()["Mounts"]
    assert [m["Type"] for m in mounts] == ["volume"]
    stack.down()


def test_a_fill_never_leaves_the_submission(
    make_stack: Callable[..., Stack], workspace: Path, python_image: str, tmp_path: Path
) -> None:
    """A link to a folder outside is an error, and nothing of the stack stays."""
    (workspace / "seed").symlink_to(tmp_path)
    with pytest.raises(GraderError, match="not in the submission"):
        make_stack(
            {"one": {"image": python_image, "volumes": ["seed:/seed"]}},
            workspace=workspace,
            compose={"volumes": {"seed": {}}},
            fills=(Fill(volume="seed", source="seed"),),
        )


def test_values_arrive_as_they_were_planned(make_stack: Callable[..., Stack], python_image: str) -> None:
    """Strings that look like numbers, escaped dollars and odd characters survive the way through Compose."""
    values = {
        "A": "1e3",
        "B": "0o14",
        "C": "yes",
        "D": "$$HOME ${X}".replace("${X}", "$${X}"),
        "E": "a\u2028\x07ñ😀",
        "F": "12:30:45",
    }
    command = [
        "python3",
        "-c",
        "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if len(k) == 1}))",
    ]
    stack = make_stack({"one": {"image": python_image, "command": command, "environment": values}})
    stack.up(deps=True)
    assert json.loads(logs(stack, "one-1")) == {k: v.replace("$$", "$") for k, v in values.items()}
    stack.down()


def test_a_start_that_fails_is_the_submissions(make_stack: Callable[..., Stack], python_image: str, echo: Any) -> None:
    """An unhealthy dependency ends `up`; the finding carries the log of what is unhealthy."""
    check = {"test": ["CMD", "false"], "interval": "1s", "retries": 1, "timeout": "1s"}
    stack = make_stack(
        {
            "broken": {
                "image": python_image,
                "command": ["sh", "-c", "echo I am ill; sleep 60"],
                "init": True,
                "healthcheck": check,
            },
            "api": echo(depends_on={"broken": {"condition": "service_healthy"}}),
        }
    )
    with pytest.raises(SubmissionBrokenError) as failed:
        stack.up(deps=True, deadline_s=60)
    (finding,) = failed.value.findings
    assert (finding.code, finding.path) == ("start-failed", "services.broken")
    assert "broken-1 | I am ill" in finding.detail
    stack.down()


def test_an_image_that_is_missing_is_our_fault(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """The submission cannot help it, so no points are lost, neither while building nor at the start."""
    builds = (build("two", "FROM grader.local/not-there-either:1\n"),)
    services = {"one": {"image": "grader.local/not-there:1"}, "two": {"image": "build:two"}}
    stack = make_stack(services, workspace=workspace, builds=builds)
    with pytest.raises(GraderError, match="not-there-either"):
        stack.build(deadline_s=60)
    with pytest.raises(GraderError, match="not-there"):
        stack.up(deps=True)
    stack.down()


def test_environment_of_the_user_does_not_reach_compose(
    make_stack: Callable[..., Stack], python_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that steer Compose, and values that a file could ask for, are not passed on."""
    monkeypatch.setenv("COMPOSE_PROFILES", "hidden")
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    command = ["sh", "-c", "echo token=$$SECRET_TOKEN."]
    one = {"image": python_image, "command": command, "environment": {"SECRET_TOKEN": None}}
    stack = make_stack({"one": one, "two": {"image": python_image, "profiles": ["hidden"]}})
    stack.up(deps=True)
    assert logs(stack, "one-1") == "token=."
    assert [c.name for c in stack.containers()] == ["one-1"]
    stack.down()
