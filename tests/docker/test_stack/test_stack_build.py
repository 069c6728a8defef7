"""What is built of a submission, and what is said when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.errors import GraderError, SubmissionBrokenError
from grader.stack.image_build.builder import BuildLimits
from tests.docker.test_stack.builds import FROM, PYTHON, build, judged, logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker


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
    stack.build(BuildLimits(seconds=60), on_line=lines.append)
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
    """The line is where the instruction stands in the student's file, which the judged text keeps; with its output."""
    text = "\n" + FROM + "\n\nCOPY . /app\nRUN echo 'No such image: python'  && exit 7\n"
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(BuildLimits(seconds=60))
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
        stack.build(BuildLimits(seconds=60))
    assert broken.value.findings[0].path == "services.worker.build"
    assert any("nowhere.txt" in line for line in broken.value.findings[0].detail)
    stack.down()


def test_an_image_that_is_missing_is_our_fault(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """The submission cannot help it, so no points are lost, neither while building nor at the start."""
    builds = (build("two", "FROM grader.local/not-there-either:1\n"),)
    services = {"one": {"image": "grader.local/not-there:1"}, "two": {"image": "build:two"}}
    stack = make_stack(services, workspace=workspace, builds=builds)
    with pytest.raises(GraderError, match="not-there-either"):
        stack.build(BuildLimits(seconds=60))
    with pytest.raises(GraderError, match="not-there"):
        stack.up(deps=True)
    stack.down()


def test_only_what_the_target_needs_is_built(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """A stage for development that would fail stays out; stages meant by number keep their meaning."""
    text = f"""\
FROM {PYTHON} AS base
RUN echo base > /which
FROM evil/image:1 AS other
FROM base AS dev
RUN exit 3
FROM base
COPY --from=0 /which /copied
CMD ["cat", "/copied"]
"""
    stack = make_stack({"app": {"image": "build:app"}}, workspace=workspace, builds=judged(workspace, text))
    stack.build(BuildLimits(seconds=60))
    stack.up(deps=True)
    assert logs(stack, "app-1") == "base"
    stack.down()
