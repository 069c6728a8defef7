"""A real stack for the tests of probes: containers by name, reached through the gateway as in a grading."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from grader.model.plan import StackPlan
from grader.stack.stack import Stack
from grader.stack.stage import new_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker


@contextmanager
def running(
    engine: docker.DockerClient, gateway: str, folder: Path, services: dict[str, dict[str, Any]], **compose: Any
) -> Iterator[Stack]:
    """Start services in a stack of their own; remove it afterwards. gateway: reference of the gateway's image."""
    stack = Stack.create(
        engine,
        StackPlan(compose={"services": services, **compose}),
        folder,
        gateway_image=gateway,
        stage=new_stage(),
        on_notice=lambda _: None,
    )
    try:
        stack.up(None, deps=False)
        yield stack
    finally:
        stack.down()
