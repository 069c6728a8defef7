"""Killing a container's first process from outside, so that Docker sees a crash and the restart policy applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.errors import GraderError
from grader.model.text import msg
from grader.polling import DeadlineError, eventually
from grader.stack.engine import engine_errors, gone_is_fine
from grader.stack.labels import Owner, labels_of

if TYPE_CHECKING:
    from grader.stack.container import Container
    from grader.stack.stack import Stack

# `docker kill` keeps the restart policy from applying, and SIGKILL from inside never reaches a first process.
# The id in the process's cgroup makes sure that it is still the container's.
_PROGRAM = """
import os, sys
pid, container = int(sys.argv[1]), sys.argv[2]
if container not in open(f"/proc/{pid}/cgroup").read():
    sys.exit(3)
os.kill(pid, 9)
"""
_GONE = 3
_ENDED_S = 5.0


def kill_first_process(stack: Stack, container: Container) -> None:
    """SIGKILL the container's first process in the engine's PID namespace, and wait until Docker has seen its end."""
    before = container.inspect()
    pid = before["State"]["Pid"]
    if not pid:
        return  # it has crashed by itself
    info = stack.info
    with engine_errors(f"crash {container.name}"):
        killer = stack.client.containers.create(
            info.gateway.image,
            entrypoint=["python3", "-c", _PROGRAM],
            command=[str(pid), container.id],
            user="0:0",
            pid_mode="host",
            network_mode="none",
            cap_drop=["ALL"],
            cap_add=["KILL"],
            labels=labels_of(info.project, _owner(stack), "crash"),
        )
        try:
            killer.start()
            code = killer.wait(timeout=30)["StatusCode"]
            output = killer.logs(tail=3).decode("utf-8", "replace").strip() if code else ""
        finally:
            with gone_is_fine():
                killer.remove(force=True)
    if code and code != _GONE:
        raise GraderError(
            msg("Could not kill the process of %(container)s: %(log)s", container=container.name, log=output)
        )
    began = before["State"]["StartedAt"]

    def ended() -> bool:
        state = container.inspect()["State"]
        return not state["Running"] or state["Restarting"] or state["StartedAt"] != began

    try:
        eventually(ended, within=_ENDED_S, what=f"{container.name} has crashed")
    except DeadlineError as error:
        raise GraderError(msg("%(container)s was killed but goes on.", container=container.name)) from error


def _owner(stack: Stack) -> Owner:
    """Return whose the stack is: this process may be a child that ends before it."""
    with engine_errors("inspect the gateway"):
        mark = stack.client.api.inspect_container(stack.info.gateway.container)["Config"]["Labels"]["grader.owner"]
    return Owner.parse(mark) or Owner.current()
