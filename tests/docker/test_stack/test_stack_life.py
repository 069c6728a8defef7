"""Readiness, interruption, and what dead runs leave behind."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker.errors
import msgspec
import pytest

from grader import process
from grader.errors import GraderError
from grader.images.endpoint import connect
from grader.model.plan import Build, StackPlan
from grader.polling import eventually
from grader.stack import creation, labels, readiness
from grader.stack.image_build.builder import BuildLimits
from grader.stack.info import StackInfo
from grader.stack.reaper import clean, reap
from grader.stack.stack import Stack
from grader.stack.stage import new_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

pytestmark = pytest.mark.docker

# Another grader: starts a stack, says what it is, and waits for its end.
OTHER = """
import sys, tempfile, pathlib
from grader.images.endpoint import connect
from grader.model.plan import Build, StackPlan
from grader.stack.stack import Stack
from grader.stack.stage import new_stage
import msgspec
plan = StackPlan(compose={"services": {"one": {
    "image": sys.argv[1], "command": ["sleep", "600"], "init": True, "volumes": ["data:/data", "/anonymous"]}},
    "volumes": {"data": {}}})
stack = Stack.create(connect(), plan, pathlib.Path(tempfile.mkdtemp()), gateway_image=sys.argv[1], stage=new_stage(),
    on_notice=lambda text: None)
stack.up(deps=True)
print(msgspec.json.encode(stack.info).decode(), flush=True)
sys.stdin.close()
import threading
threading.Event().wait()
"""


def left(client: docker.DockerClient, project: str) -> list[str]:
    """Return the kinds of objects that carry a project's label."""
    wanted = {"label": [f"{labels.PROJECT}={project}"]}
    api = client.api
    kinds = {
        "containers": api.containers(all=True, filters=wanted),
        "networks": api.networks(filters=wanted),
        "volumes": api.volumes(filters=wanted)["Volumes"],
        "images": api.images(filters=wanted),
    }
    return [kind for kind, found in kinds.items() if found]


def another(python_image: str) -> tuple[process.Child, StackInfo]:
    child = process.spawn([sys.executable, "-c", OTHER, python_image], env=None)
    line = eventually(
        lambda: child.output if child.output.endswith("\n") else None, within=30, what="the other grader's stack"
    )
    return child, msgspec.json.decode(line.encode(), type=StackInfo)


def test_a_dead_run_is_reaped_and_a_living_one_is_not(client: docker.DockerClient, python_image: str) -> None:
    """SIGKILL leaves everything; the next run removes it, and touches nothing of a grader that lives."""
    dead, theirs = another(python_image)
    living, others = another(python_image)
    try:
        dead.kill()
        assert left(client, theirs.project) == ["containers", "networks", "volumes"]
        removed = reap(client)
        assert left(client, theirs.project) == []
        assert not Path(theirs.stage).exists()
        assert f"{theirs.project}-one-1" in removed
        assert left(client, others.project) == ["containers", "networks", "volumes"]
        assert Path(others.stage).exists()
        assert not any(others.project in name for name in removed)
    finally:
        living.kill()
        clean(client)
    assert left(client, others.project) == []


def test_graders_that_clean_at_once_are_not_in_each_others_way(client: docker.DockerClient, python_image: str) -> None:
    """What one of them is removing is gone for the others as well."""
    dead = [another(python_image) for _ in range(2)]
    for child, _ in dead:
        child.kill()
    with ThreadPoolExecutor(3) as pool:
        for cleaning in [pool.submit(clean, connect()) for _ in range(3)]:
            cleaning.result(60)
    for _, theirs in dead:
        assert left(client, theirs.project) == []


def test_what_cannot_be_removed_keeps_nobody_from_working(
    client: docker.DockerClient, python_image: str, make_stack: Callable[..., Stack], echo: Any
) -> None:
    """A dead run's volume that someone else uses is told by `clean`; a new stack is made all the same."""
    child, theirs = another(python_image)
    child.kill()
    user = client.containers.create(python_image, volumes={f"{theirs.project}_data": {"bind": "/data"}})
    try:
        with pytest.raises(GraderError, match=theirs.project):
            clean(client)
        assert left(client, theirs.project) == ["volumes"]
        make_stack({"echo": echo()}).down()
    finally:
        user.remove(force=True)
        clean(client)
    assert left(client, theirs.project) == []


def test_an_interrupted_creation_leaves_nothing(
    client: docker.DockerClient, python_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after the gateway has started: all is removed, and the interruption goes on."""
    before: set[str] = set()

    def interrupted(*_: Any, **more: Any) -> None:
        before.update(left(client, more["project"]))
        before.add(more["project"])
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(creation.emit, "final_model", interrupted)
    stage = new_stage()
    with pytest.raises(KeyboardInterrupt):
        Stack.create(
            client,
            StackPlan(compose={"services": {"one": {"image": python_image}}}),
            tmp_path,
            gateway_image=python_image,
            stage=stage,
            on_notice=lambda _: None,
        )
    (project,) = before - {"containers", "networks"}
    assert {"containers", "networks"} < before
    assert left(client, project) == []
    assert not stage.exists()


def test_down_removes_all_and_is_harmless_twice(make_stack: Callable[..., Stack], echo: Any) -> None:
    """Paused, stopped and running containers go, with networks, volumes and the stage folder."""
    stack = make_stack(
        {"a": echo(volumes=["data:/data", "/x"]), "b": echo(), "c": echo(restart="unless-stopped")},
        compose={"volumes": {"data": {}}},
    )
    stack.up(deps=True)
    stack.container("a-1").pause()
    stack.container("b-1").kill()
    stack.down()
    assert left(stack.client, stack.info.project) == []
    assert not Path(stack.info.stage).exists()
    stack.down()
    assert not stack.canary()


def test_down_ends_a_build_in_another_thread(
    make_stack: Callable[..., Stack], python_image: str, tmp_path: Path
) -> None:
    """Taking down ends the steps at work, the builder's thread ends with an error, and nothing stays."""
    (tmp_path / "app").mkdir()
    text = f"FROM {python_image}\nRUN echo {tmp_path} && sleep 300\n"
    made = Build(service="one", context="app", dockerfile="app/Dockerfile", text=text)
    stack = make_stack({"one": {"image": "build:one"}}, workspace=tmp_path, builds=(made,))
    lines: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(stack.build, BuildLimits(seconds=100), on_line=lines.append)
        eventually(lambda: any("sleep 300" in line for line in lines), within=20, what="the step runs")
        stack.down()
        assert building.exception(timeout=5) is not None
    assert left(stack.client, stack.info.project) == []


def test_readiness_tells_ready_from_gone_and_from_slow(
    make_stack: Callable[..., Stack], echo: Any, python_image: str, talk: Callable[..., str]
) -> None:
    """Services are polled at once; one that ended for good is given up early, one that falls over is told as such."""

    def says(text: str, **more: Any) -> dict[str, Any]:
        return {"image": python_image, "command": ["sh", "-c", f"echo {text}; exit 3"], **more}

    stack = make_stack(
        {"good": echo(), "gone": says("no luck"), "loops": says("again", restart="unless-stopped"), "slow": echo()}
    )
    stack.up(deps=True)
    ready = readiness.wait(
        stack,
        {
            "good": lambda: talk(stack.address("good", 7000)).endswith("hello"),
            "gone": lambda: talk(stack.address("gone", 7000)).endswith("hello"),
            "loops": lambda: False,
            "slow": lambda: False,
        },
        within=15,
    )
    assert {name: r.reason for name, r in ready.items()} == {
        "good": "ready",
        "gone": "exited",
        "loops": "restarting",
        "slow": "timeout",
    }
    assert [name for name, r in ready.items() if r.ready] == ["good"]
    assert ready["gone"].seconds < ready["slow"].seconds
    assert ready["gone"].logs == ("no luck",)
    assert ready["gone"].state is not None
    assert ready["gone"].state.exit_code == 3
    assert ready["slow"].seconds >= 15
    stack.down()


def test_a_second_process_joins_by_the_info_alone(make_stack: Callable[..., Stack], echo: Any, talk: Any) -> None:
    """The info survives JSON; what attached sees the same containers and clock, and its close leaves the stack up."""
    stack = make_stack({"echo": echo()})
    stack.up(deps=True)
    joined = Stack.attach(msgspec.json.decode(msgspec.json.encode(stack.info), type=StackInfo))
    assert joined.containers() == stack.containers()
    assert abs(joined.clock() - stack.clock()) < 0.1
    eventually(lambda: talk(joined.address("echo", 7000)).endswith("hello"), within=5, what="echo")
    address = joined.address("echo", 7000)
    joined.close()
    with pytest.raises(ConnectionRefusedError):
        talk(address)
    assert talk(stack.address("echo", 7000)).endswith("hello")
    stack.down()
