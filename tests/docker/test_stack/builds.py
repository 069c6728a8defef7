"""What the tests of builds and starts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.model.grade import ResolvedImage
from grader.model.plan import Build
from grader.policy import bind
from tests.unit.policy.conftest import Submission

if TYPE_CHECKING:
    from pathlib import Path

    from grader.stack.stack import Stack

PYTHON = "python:3.13-slim"
FROM = f"FROM grader.local/{PYTHON}\n"


def build(service: str, text: str, **more: Any) -> Build:
    """A build of the folder `app`, whose Dockerfile says `text` once it is judged."""
    return Build(service=service, context="app", dockerfile="app/Dockerfile", text=text, **more)


def judged(workspace: Path, text: str) -> tuple[Build, ...]:
    """Return the build of a Dockerfile as the grader makes it of what a student has written."""
    plan = Submission(workspace).dockerfile(text).plan()
    images = {name: ResolvedImage(name=name, reference=f"grader.local/{name}") for name in plan.images}
    return bind(plan, images).builds


def logs(stack: Stack, container: str) -> str:
    """What a container has written, once it has ended."""
    target = stack.container(container)
    stack.client.api.wait(target.id, timeout=20)
    return "\n".join(target.logs())
