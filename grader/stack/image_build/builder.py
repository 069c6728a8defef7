"""Runs builds on the engine with limits: memory, processor, processes, disk, time, and a network with one way out.

The engine's own classic builder makes each step an ordinary container, which can be limited, measured and ended;
BuildKit inside of the engine offers none of that for a step, on no engine from 20.10 on, and knows no network but the
default bridge. What a Dockerfile says in BuildKit's words only is said in older ones before (`grader.policy`).
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Literal

import docker
import docker.errors
import msgspec

from grader.errors import GraderError, SubmissionBrokenError
from grader.model.text import msg
from grader.polling import Deadline
from grader.stack import labels
from grader.stack.engine import ENGINE_ERRORS, engine_errors, gone_is_fine
from grader.stack.image_build import failures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from grader.model.findings import Finding
    from grader.stack.image_build.jobs import Job

_STEP = re.compile(r"^Step (\d+)/\d+ : ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # the engine paints what steps write to their standard error
_AT_ONCE = 2
_LOOK_S = 0.1
_MEASURE_S = 1.0
_KEPT_LINES = 400
_LINE_CHARS = 2000
_PERIOD_US = 100_000
_AFTER_DEADLINE_S = 30.0


class BuildLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What builds may use: each step memory, processor and processes; all of a submission's the time and the disk."""

    seconds: float
    memory_mib: int = 2048
    cpus: float = 2.0
    pids: int = 1024
    disk_mib: int = 4096


def run(
    client: docker.DockerClient,
    jobs: Sequence[Job],
    *,
    network: str,
    marks: Mapping[str, str],
    limits: BuildLimits,
    interrupted: threading.Event,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Build all jobs, two at a time.

    network: the builds' own (see `egress`). marks: labels of the images. `interrupted` ends them. Raises
    SubmissionBrokenError ("build-failed", "build-timeout", "build-disk"), or GraderError where the engine fails.
    """
    deadline = Deadline(limits.seconds)
    with (
        _Watch(client, network, marks.get(labels.PROJECT, ""), limits, deadline, interrupted) as watch,
        ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="build") as pool,
    ):
        runs = [_Run(client, job, network, dict(marks), limits, watch, on_line) for job in jobs]
        futures = [pool.submit(each.whole) for each in runs]
        try:
            found = [future.result() for future in futures]
        except BaseException:
            watch.end("interrupted")
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if interrupted.is_set():
        raise GraderError(msg("The build was interrupted."))
    if wrong := [finding for finding in found if finding]:
        raise SubmissionBrokenError(*wrong)


class _Run:
    """One build under way."""

    def __init__(
        self,
        client: docker.DockerClient,
        job: Job,
        network: str,
        marks: dict[str, str],
        limits: BuildLimits,
        watch: _Watch,
        on_line: Callable[[str], None] | None,
    ) -> None:
        self._client = client
        self._job = job
        self._network = network
        self._marks = marks
        self._limits = limits
        self._watch = watch
        self._on_line = on_line or (lambda _line: None)
        self._output: list[str] = []
        self._step = 0

    def whole(self) -> Finding | None:
        """Build the image; return what is wrong with it, None when it is there under all its names."""
        built, code = (False, None) if self._watch.ended else self._follow()
        match self._watch.ended if not built else "":
            case "disk":
                return failures.too_large(self._job, self._output, self._step, self._limits.disk_mib)
            case "time":
                return failures.too_slow(self._job, self._output, self._step, self._limits.seconds)
        if not built:
            return failures.failed(self._job, self._output, self._step, code, memory_mib=self._limits.memory_mib)
        with engine_errors("name a built image"):
            for name in self._job.further:
                repository, _, tag = name.rpartition(":")
                self._client.api.tag(self._job.image, repository, tag)
        return None

    def _follow(self) -> tuple[bool, int | None]:
        """Read the build to its end; return whether there is an image, and the exit code of the step that failed."""
        built = False
        with tempfile.TemporaryFile() as archive:
            name = self._job.archive(archive)
            archive.seek(0)
            try:
                for message in self._messages(archive, name):
                    if "errorDetail" in message or "error" in message:
                        detail = message.get("errorDetail") or {}
                        self._say(str(detail.get("message") or message.get("error")))
                        return False, detail.get("code")
                    for line in str(message.get("stream", "")).splitlines():
                        self._say(line)
                    built = built or bool((message.get("aux") or {}).get("ID"))
            except docker.errors.APIError as error:
                if error.is_server_error() and "parse error" not in str(error.explanation):
                    with engine_errors("build"):
                        raise
                self._say(str(error.explanation))
            except ENGINE_ERRORS:
                with engine_errors("build"):
                    raise
        return built, None

    def _say(self, line: str) -> None:
        line = _COLOUR.sub("", line[:_LINE_CHARS])
        if match := _STEP.match(line):
            self._step = int(match[1])
        self._output.append(line)
        del self._output[:-_KEPT_LINES]
        self._on_line(line)

    def _messages(self, archive: IO[bytes], dockerfile: str) -> Iterator[dict[str, Any]]:
        """Ask the engine; the SDK's own `build` has no word for a limit on the processor."""
        api: Any = self._client.api
        memory = self._limits.memory_mib << 20
        response = api._post(
            api._url("/build"),
            data=archive,
            params={
                "t": self._job.image,
                "dockerfile": dockerfile,
                "buildargs": json.dumps(self._job.args),
                "labels": json.dumps(self._marks),
                "networkmode": self._network,
                "memory": memory,
                "memswap": memory,
                "cpuperiod": _PERIOD_US,
                "cpuquota": round(self._limits.cpus * _PERIOD_US),
                "rm": True,
                "forcerm": True,
                "version": "1",
            },
            headers={"Content-Type": "application/x-tar"},
            stream=True,
            timeout=self._limits.seconds + _AFTER_DEADLINE_S,
        )
        with response:
            api._raise_for_status(response)
            yield from api._stream_helper(response, decode=True)


class _Watch:
    """Looks at the containers of builds on their network: limits their processes, measures them, and ends them.

    A build that is to end has its steps' containers taken away, the running one and any that follows.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        network: str,
        project: str,
        limits: BuildLimits,
        deadline: Deadline,
        interrupted: threading.Event,
    ) -> None:
        self._client = client
        self._network = network
        self._project = project
        self._limits = limits
        self._deadline = deadline
        self._interrupted = interrupted
        self._written: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="build-watch", daemon=True)
        self.ended: Literal["", "disk", "time", "interrupted"] = ""

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_AFTER_DEADLINE_S)
        with contextlib.suppress(*ENGINE_ERRORS):
            self._take_away()

    def end(self, why: Literal["disk", "time", "interrupted"]) -> None:
        """End all builds."""
        self.ended = self.ended or why

    def _run(self) -> None:
        measured = Deadline(_MEASURE_S)
        while not self._over.wait(_LOOK_S):
            with contextlib.suppress(*ENGINE_ERRORS):  # the build itself says it when the engine is gone
                for container in self._containers():
                    if container["Id"] not in self._written:
                        self._limit(container["Id"])
                if measured.passed():
                    self._measure()
                    measured = Deadline(_MEASURE_S)
                if self._interrupted.is_set():
                    self.end("interrupted")
                if self._deadline.passed():
                    self.end("time")
                if self.ended:
                    self._take_away()

    def _containers(self, *, size: bool = False) -> list[dict[str, Any]]:
        found = self._client.api.containers(filters={"network": self._network}, size=size)
        # Ours carry the project's name, which no image that a step stands on can know; its labels may claim anything.
        return [c for c in found if c["Labels"].get(labels.PROJECT) != self._project]

    def _limit(self, container: str) -> None:
        """Limit a step's processes, which the engine's builder has no word for."""
        api: Any = self._client.api  # nor has the SDK's own `update_container`
        with gone_is_fine():
            response = api._post_json(
                api._url("/containers/{0}/update", container), data={"PidsLimit": self._limits.pids}
            )
            api._raise_for_status(response)
        self._written[container] = 0

    def _measure(self) -> None:
        for container in self._containers(size=True):
            self._written[container["Id"]] = container.get("SizeRw", 0)
        if sum(self._written.values()) > self._limits.disk_mib << 20:
            self.end("disk")

    def _take_away(self) -> None:
        for container in self._containers():
            with gone_is_fine():
                self._client.api.remove_container(container["Id"], force=True)
