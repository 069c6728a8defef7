"""A submission running in Docker: made from a plan, addressable, and removed without a trace."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import docker

from grader import catalogue
from grader.errors import CanaryError, GraderError, SubmissionBrokenError
from grader.model.text import msg
from grader.stack import causes, compose, gateway, labels, start_failure
from grader.stack.container import Container
from grader.stack.creation import make
from grader.stack.engine import ENGINE_ERRORS, engine_errors
from grader.stack.events import EventStream
from grader.stack.forwarder import Forwarder
from grader.stack.image_build import builder, egress, jobs
from grader.stack.reaper import reap
from grader.stack.teardown import kill_compose, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grader.model.plan import Build, StackPlan
    from grader.model.text import Text
    from grader.stack.image_build.builder import BuildLimits
    from grader.stack.info import StackInfo

_UP_S = 180.0
_CANARY_S = 2.0


class Stack:
    """A running (or half started) stack. `create` makes one, `attach` joins one from another process.

    All methods may be called from several threads. What the engine refuses is a GraderError.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        info: StackInfo,
        builds: Sequence[Build] = (),
        *,
        workspace: Path | None = None,
        own_client: bool = False,
    ) -> None:
        """Wrap what exists; use `create` or `attach`."""
        self.info = info
        self.client = client
        self._builds = builds
        self._workspace = workspace or Path(info.stage)
        self._own_client = own_client
        self._building = threading.Lock()
        self._going_down = threading.Event()
        self._compose = compose.Compose(
            info.compose_binary, project=info.project, stage=Path(info.stage), endpoint=info.endpoint
        )
        self._forwarder = Forwarder(info.gateway, self._resolve)

    @classmethod
    def create(
        cls,
        client: docker.DockerClient,
        plan: StackPlan,
        workspace_root: Path,
        *,
        gateway_image: str,
        stage: Path,
        on_notice: Callable[[Text], None],
    ) -> Stack:
        """Make networks, volumes and gateway and write the files for Compose; start nothing of the submission yet.

        plan: bound to image references. stage: a folder of this stack's own (see `stage.new_stage`), removed by
        `down`. Left-overs of dead runs are removed first; what was, and what could not be, is told to `on_notice`.
        When this is interrupted, nothing stays.
        """
        try:
            for name in reap(client):
                on_notice(msg("Removed what an interrupted run had left: %(name)s", name=name))
        except GraderError as error:
            on_notice(error.message)
        project = labels.new_project(labels.Owner.current())
        try:
            info = make(client, plan, workspace_root, gateway_image=gateway_image, stage=stage, project=project)
            return cls(client, info, plan.builds, workspace=workspace_root)
        except BaseException:
            with contextlib.suppress(GraderError):
                sweep(client, project)
            shutil.rmtree(stage, ignore_errors=True)
            raise

    @classmethod
    def attach(cls, info: StackInfo) -> Stack:
        """Join a stack that another process has created; `close` it, never `down`."""
        with engine_errors("connect"):
            return cls(docker.DockerClient(base_url=info.endpoint, max_pool_size=32), info, own_client=True)

    def build(self, limits: BuildLimits, *, on_line: Callable[[str], None] | None = None) -> None:
        """Build the plan's images within limits; `on_line` gets each line of the builder's output.

        Raises SubmissionBrokenError ("build-failed", "build-timeout", "build-disk"), or GraderError where the fault is
        ours.
        """
        if not self._builds:
            return
        with engine_errors("ask for its platform"):
            version = self.client.version()
        platform = str(version.get("Os", "linux")), str(version.get("Arch", "amd64"))
        project = self.info.project
        made = jobs.jobs(self._builds, project=project, workspace=self._workspace, platform=platform)
        try:
            with self._building, egress.opened(self.client, project, image=self.info.gateway.image) as network:
                marks = labels.labels_of(project, labels.Owner.current())
                builder.run(
                    self.client,
                    made,
                    network=network,
                    marks=marks,
                    limits=limits,
                    interrupted=self._going_down,
                    on_line=on_line,
                )
        except SubmissionBrokenError as broken:
            self._ours(jobs.base_images(made))
            found = [causes.build_explained(finding, self.sources) for finding in broken.findings]
            raise SubmissionBrokenError(*found) from broken

    def change(self, builds: Sequence[Build], workspace: Path) -> None:
        """Build from another copy of the submission from now on, and only these images."""
        self._builds, self._workspace = builds, workspace

    def up(
        self,
        services: Sequence[str] | None = None,
        *,
        deps: bool,
        recreate: bool = False,
        scale: dict[str, int] | None = None,
        grace_s: float = 10.0,
        deadline_s: float = _UP_S,
    ) -> None:
        """Start services (all when None), with what they depend on if `deps`; running ones are left alone.

        recreate: replace their containers by new ones, of the images as they are now.

        scale: service -> containers, instead of the plan's number; those too many get `grace_s` to stop. Waits as
        Compose does where the submission asks for healthy dependencies. Raises SubmissionBrokenError ("start-failed").
        """
        how = "--force-recreate" if recreate else "--no-recreate"
        arguments = ["up", "-d", "--no-build", how, "--pull", "never", "--timeout", str(round(grace_s))]
        arguments += [] if deps else ["--no-deps"]
        for name, number in (scale or {}).items():
            arguments += ["--scale", f"{name}={number}"]
        done = self._compose.run(Path(self.info.compose_file), [*arguments, *(services or ())], deadline_s=deadline_s)
        if done.returncode != 0:
            self._ours(start_failure.images_of(self.info.compose_file))
            raise SubmissionBrokenError(start_failure.failure(self.containers(), self.sources, done, deadline_s))

    @property
    def sources(self) -> causes.Sources:
        """What it is built of, to look the causes of failures up."""
        return causes.Sources.of(self._workspace, self._builds)

    def clock(self) -> float:
        """Return the seconds since the stack's t=0."""
        return time.time() - self.info.epoch

    def containers(self, service: str | None = None) -> list[Container]:
        """Return the submission's containers (of one service), sorted, whatever their state."""
        wanted = [
            f"{labels.PROJECT}={self.info.project}",
            labels.SERVICE if service is None else f"{labels.SERVICE}={service}",
        ]
        with engine_errors("list containers"):
            found = self.client.api.containers(all=True, filters={"label": wanted})
        containers = [Container(self.client, self.info.epoch, summary) for summary in found]
        return sorted(containers, key=lambda c: (c.service, c.number))

    def container(self, name: str) -> Container:
        """Return the container called "worker-2"; LookupError where there is none."""
        for container in self.containers():
            if container.name == name:
                return container
        raise LookupError(name)

    def address(self, target: str, port: int) -> tuple[str, int]:
        """Return a loopback (host, port) that leads to `port` of a service ("rabbitmq") or a container ("worker-2").

        Each connection goes to the address that the (first running) container has at that moment, whatever its name
        resolves to inside the stack; without one, the connection is reset.
        """
        return self._forwarder.address(target, port)

    def events(self, *, since: float | None = None) -> EventStream:
        """Subscribe to the containers' events, also those from `since` (on the stack's clock) on."""
        return EventStream(self.client, self.info.project, self.info.epoch, since=since)

    def canary(self) -> bool:
        """Say whether the engine and our own gateway answer; if not, a check's failure is not the submission's."""
        try:
            self.client.ping()
        except ENGINE_ERRORS:
            return False
        return gateway.answers(self.info.gateway, timeout_s=_CANARY_S)

    def close(self) -> None:
        """Close this process's loopback ports; the stack goes on."""
        self._forwarder.close()
        if self._own_client:
            self.client.close()

    def down(self) -> None:
        """Kill and remove everything of the stack, on the engine and on disk; harmless when it is done already."""
        self._going_down.set()
        with self._building:  # a build in another thread ends first
            kill_compose(self.info.project)
        self.close()
        sweep(self.client, self.info.project)
        shutil.rmtree(self.info.stage, ignore_errors=True)

    def _resolve(self, target: str) -> str:
        every = self.containers()
        chosen = [c for c in every if c.service == target] or [c for c in every if c.name == target]
        for container in chosen:
            # With `network_mode: service:x` it answers at the other one's address.
            lender = next((c for c in every if c.id == container.listed_lender), container)
            if container.listed_status in {"running", "paused"} and lender.listed_addresses:
                return min(lender.listed_addresses.items())[1]
        raise LookupError(target)

    def _ours(self, images: Sequence[str]) -> None:
        """Raise where a failure of Compose is not the submission's."""
        if not self.canary():
            raise CanaryError(msg("The Docker engine or our own gateway did not answer; this is not your fault."))
        if missing := start_failure.missing_image(self.client, images):
            name = missing.removeprefix(catalogue.LOCAL)
            built_here = missing != name and name.startswith("build/")  # by this grading; the next one builds it anew
            raise GraderError(
                msg("An image is missing on this machine: %(image)s", image=missing),
                None if built_here else msg("Get it with: grader images ensure %(name)s", name=name),
            )
