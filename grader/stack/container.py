"""One container of a stack: what it is, how it is, and what may be done to it."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from grader.polling import DeadlineError
from grader.stack import labels
from grader.stack.engine import ENGINE_ERRORS, engine_errors, not_running, not_running_is_fine

if TYPE_CHECKING:
    from collections.abc import Sequence

    import docker

_NEVER = -1.0
_HEALTH_LINES = 10


class Checked(msgspec.Struct, frozen=True):
    """The last run of a health check. exit_code: -1 where the engine ended it; output: its lines, unsanitised."""

    exit_code: int
    output: tuple[str, ...]


class ContainerState(msgspec.Struct, frozen=True, kw_only=True):
    """A moment's state.

    status: Docker's word ("created", "running", "restarting", "paused", "exited", "dead"). restarts: by its restart
    policy. started_at: seconds on the stack's clock (-1: never started). comes_back: whether its restart policy would
    start it again after an exit like its last one. health: "" without a healthcheck. checked: its last run, if any.
    """

    status: str
    running: bool
    paused: bool
    exit_code: int
    oom_killed: bool
    restarts: int
    started_at: float
    comes_back: bool
    health: str = ""
    checked: Checked | None = None

    @property
    def ailment(self) -> tuple[str, ...]:
        """What a health check that fails says, behind its exit code; () where none does, or where more has ended."""
        if not self.running or self.health in {"", "healthy"} or self.checked is None or not self.checked.exit_code:
            return ()
        return (f"health check, exit code {self.checked.exit_code}:", *self.checked.output[-_HEALTH_LINES:])


class Container:
    """A container as found at one moment, by its id: after `recreated` it must be asked for anew.

    name: "worker-2"; service: "worker". Every method raises GraderError when the engine does not obey.
    """

    def __init__(self, client: docker.DockerClient, epoch: float, summary: dict[str, Any]) -> None:
        """`summary` is an entry of the engine's container list."""
        own: dict[str, str] = summary["Labels"]
        self._client = client
        self._epoch = epoch
        self._summary = summary
        self.id: str = summary["Id"]
        self.service: str = own.get(labels.SERVICE, "")
        self.number = int(own.get(labels.NUMBER, "1"))
        self.name = f"{self.service}-{self.number}"

    def __repr__(self) -> str:
        return f"Container({self.name!r}, {self.id[:12]!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Container) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def listed_status(self) -> str:
        """Its status ("running", "exited", ...) when it was listed."""
        return str(self._summary["State"])

    @property
    def listed_lender(self) -> str:
        """Id of the container whose network it shares, "" when it has its own."""
        mode: str = self._summary["HostConfig"]["NetworkMode"]
        return mode.removeprefix("container:") if mode.startswith("container:") else ""

    @property
    def listed_addresses(self) -> dict[str, str]:
        """Real network name -> IPv4 address when it was listed; without those that it has none on."""
        networks = self._summary["NetworkSettings"]["Networks"]
        return {name: end["IPAddress"] for name, end in networks.items() if end["IPAddress"]}

    def inspect(self) -> dict[str, Any]:
        """Return the engine's own description, fresh."""
        with engine_errors(f"inspect {self.name}"):
            description: dict[str, Any] = self._client.api.inspect_container(self.id)
        return description

    def environment(self) -> dict[str, str]:
        """Return the variables that it was made with, the image's included."""
        return dict(entry.split("=", 1) for entry in self.inspect()["Config"]["Env"] or () if "=" in entry)

    @property
    def image(self) -> str:
        """The reference that it was made with."""
        return str(self._summary["Image"])

    @property
    def hostname(self) -> str:
        """What the program inside sees as its host name."""
        return str(self.inspect()["Config"]["Hostname"])

    @property
    def ip(self) -> str:
        """Its address on the first of the stack's networks, fresh; "" while it does not run."""
        networks = self.inspect()["NetworkSettings"]["Networks"]
        return next((end["IPAddress"] for _, end in sorted(networks.items()) if end["IPAddress"]), "")

    def state(self) -> ContainerState:
        """Return its state now."""
        description = self.inspect()
        state = description["State"]
        began = datetime.fromisoformat(state["StartedAt"])
        return ContainerState(
            status=state["Status"],
            running=state["Running"] and not state["Restarting"],
            paused=state["Paused"],
            exit_code=state["ExitCode"],
            oom_killed=state["OOMKilled"],
            restarts=description["RestartCount"],
            started_at=began.timestamp() - self._epoch if began.year > 1 else _NEVER,
            comes_back=_comes_back(description),
            health=(state.get("Health") or {}).get("Status", ""),
            checked=_checked(state.get("Health") or {}),
        )

    def logs(self, tail: int = 20) -> tuple[str, ...]:
        """Return its last lines of output, unsanitised."""
        with engine_errors(f"logs of {self.name}"):
            raw: bytes = self._client.api.logs(self.id, tail=tail)
        return tuple(raw.decode("utf-8", "replace").splitlines())

    def exec(self, argv: Sequence[str], *, deadline_s: float = 10.0, user: str = "") -> tuple[int, str]:
        """Run a program inside; return (exit code, both streams).

        (-1, "") when the container does not run. Raises DeadlineError when the program has not ended in time.
        """
        done: dict[str, Any] = {}

        def body() -> None:
            try:
                made = self._client.api.exec_create(self.id, list(argv), user=user)
                done["output"] = self._client.api.exec_start(made["Id"])
                done["code"] = self._client.api.exec_inspect(made["Id"])["ExitCode"]
            except ENGINE_ERRORS as error:
                done["error"] = error

        # The API has no deadline for an exec, and its socket no timeout: a thread is left to it.
        thread = threading.Thread(target=body, name=f"exec {self.name}", daemon=True)
        thread.start()
        thread.join(deadline_s)
        if thread.is_alive():
            raise DeadlineError(f"{argv[0]} in {self.name} ends", deadline_s)
        if "error" in done:
            if not_running(done["error"]):
                return -1, ""
            with engine_errors(f"exec in {self.name}"):
                raise done["error"]
        return int(done["code"]), (done["output"] or b"").decode("utf-8", "replace")

    def kill(self, signal: str = "SIGKILL") -> None:
        """Send a signal; with SIGKILL it has ended when this returns, and its restart policy does not apply.

        Nothing happens when it does not run: that it fell over by itself is the submission's matter, not our error.
        """
        with engine_errors(f"kill {self.name}"), not_running_is_fine():
            self._client.api.kill(self.id, signal=signal)

    def stop(self, grace_s: float = 10.0) -> None:
        """Stop it gracefully: SIGTERM (or its own stop signal), SIGKILL after `grace_s` seconds."""
        with engine_errors(f"stop {self.name}"):
            self._client.api.stop(self.id, timeout=max(1, round(grace_s)))

    def start(self) -> None:
        """Start it; nothing happens when it runs already."""
        with engine_errors(f"start {self.name}"):
            self._client.api.start(self.id)

    def pause(self) -> None:
        """Freeze its processes; its connections stay open. Nothing happens when it does not run."""
        with engine_errors(f"pause {self.name}"), not_running_is_fine():
            self._client.api.pause(self.id)

    def unpause(self) -> None:
        """Let its processes go on."""
        with engine_errors(f"unpause {self.name}"):
            self._client.api.unpause(self.id)

    def remove(self) -> None:
        """Kill and remove it together with its anonymous volumes."""
        with engine_errors(f"remove {self.name}"):
            self._client.api.remove_container(self.id, v=True, force=True)

    def disconnect(self, network: str) -> None:
        """Take it off a network (real name)."""
        with engine_errors(f"disconnect {self.name}"):
            self._client.api.disconnect_container_from_network(self.id, network)

    def connect(self, network: str, aliases: Sequence[str]) -> None:
        """Put it on a network (real name) under these names."""
        with engine_errors(f"connect {self.name}"):
            self._client.api.connect_container_to_network(self.id, network, aliases=list(aliases))


def _checked(health: dict[str, Any]) -> Checked | None:
    """Return the last run that the engine remembers of a health check; it keeps five, and 4 KiB of each output."""
    runs = health.get("Log") or ()
    if not runs:
        return None
    lines = str(runs[-1].get("Output") or "").splitlines()
    return Checked(int(runs[-1]["ExitCode"]), tuple(line for line in lines if line.strip()))


def _comes_back(description: dict[str, Any]) -> bool:
    policy: dict[str, Any] = description["HostConfig"]["RestartPolicy"]
    match policy["Name"]:
        case "always" | "unless-stopped":
            return True
        case "on-failure":
            most = int(policy["MaximumRetryCount"])
            failed = int(description["State"]["ExitCode"]) != 0
            return failed and (most == 0 or int(description["RestartCount"]) < most)
        case _:
            return False
