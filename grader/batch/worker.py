"""A worker's side: is this machine fit for the work, and one grading in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import platform
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from grader import assignments, binding, catalogue, digests, images, paths, policy, process, scratch
from grader.batch.child import EVENTS, read_pause, read_result
from grader.batch.job import Done, Job, Terms
from grader.batch.pauses import Patience, Watch
from grader.errors import DockerUnavailableError, GraderError, SubmissionError, UnusableImagesError, UsageError
from grader.images.endpoint import connect
from grader.model.text import Text, msg
from grader.polling import DeadlineError, eventually
from grader.receiving import receive
from grader.stack.compose import find_compose
from grader.stack.reaper import reap

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker
    from distributed import WorkerPlugin

    from grader.model.assignment import Assignment

_RESERVED_MIB = 2048  # for the machine itself, the grader and page cache
_STOP_S = 60.0  # a child removes its containers before it goes
_EVERY_S = 0.2
_IMAGES_AT_ONCE = 2
_children: dict[process.Child, str] = {}  # with the batch that it belongs to
_stopped: set[str] = set()
_lock = threading.Lock()


class Lack(msgspec.Struct, frozen=True):
    """An image that a machine can neither pull nor build: why, and what mends it."""

    name: str
    message: Text
    remedy: Text | None


class Fitness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a machine can grade, what keeps it from it, and how much it has to give: MiB and processors.

    lacks: images that submissions need and that it cannot get.
    """

    host: str
    problems: tuple[Text, ...] = ()
    lacks: tuple[Lack, ...] = ()
    memory_mib: int = 0
    cpus: float = 0.0


def fitness(terms: Terms) -> Fitness:
    """Look whether the grader, the assignment, Docker, Compose and the images are here, as `terms` want them."""
    host = platform.node()
    try:
        assignment = assignments.load(terms.assignment)
        rubric = digests.of_rubric(Path(assignment.directory), assignment.version)
        if (digests.of_grader(), rubric) != (terms.grader, terms.rubric):
            return Fitness(host=host, problems=(_other_version(terms),))
        client = connect()
        find_compose()
        with contextlib.suppress(GraderError):
            reap(client)  # what stays keeps nobody from grading, and each grading says it
        vital = (*(_images_of(assignment) if terms.among else ()), binding.GATEWAY_IMAGE)
        images.resolve(client, vital, mode=terms.images)
        lacks = _lacking(client, terms, assignment.limits.images_mib)
        info = client.info()
    except UsageError as error:
        return Fitness(host=host, problems=(error.message,))
    except GraderError as error:
        return Fitness(host=host, problems=tuple(t for t in (error.message, error.remedy) if t))
    total = int(info.get("MemTotal", 0)) // 2**20
    return Fitness(
        host=host,
        lacks=lacks,
        memory_mib=max(0, total - max(_RESERVED_MIB, total // 5)),
        cpus=float(info["NCPU"]),
    )


def run(job: Job, tell: Callable[[bytes], None]) -> Done:
    """Grade one job in a process of its own; `tell` gets its events as JSON, from a thread."""
    began = time.monotonic()
    with scratch.folder("job", paths.cache()) as folder:
        (folder / "job").write_bytes(msgspec.msgpack.encode(job))
        with Watch() as watch:
            completed = _child(folder, job.terms, tell)
        result = read_result(folder)
        # What died of a pause (a deadline of ours that passed meanwhile) has not died of the submission.
        stood_s = read_pause(folder) or (0.0 if result else watch.stood_s)
        return Done(
            result=result,
            host=platform.node(),
            seconds=time.monotonic() - began,
            lost=result is None and not stood_s,
            stood_s=stood_s,
            output="" if result else completed.output[-4000:],
        )


def stop(batch: str) -> None:
    """End every grading of one batch in this process for good, each after it has removed its containers."""
    with _lock:
        _stopped.add(batch)
    end(batch)


def end(batch: str = "") -> None:
    """End the gradings that run in this process ("": whosesoever), each after it has removed its containers."""
    with _lock:
        children = [child for child, of in _children.items() if batch in {"", of}]
    for child in children:
        child.terminate()
    for child in children:
        try:
            eventually(lambda child=child: not child.running(), within=_STOP_S, what="end of a grading")  # type: ignore[misc]  # the default binds this child
        except DeadlineError:
            child.kill()


def ending() -> WorkerPlugin:
    """Return what ends a worker's gradings with it: whoever has given it up has them graded elsewhere."""
    from distributed import WorkerPlugin  # noqa: PLC0415 - only a batch pays for it

    class Ending(WorkerPlugin):
        """Ends the gradings of this process."""

        name = "grader-ending"

        async def teardown(self, worker: Any) -> None:  # noqa: ARG002 - Dask's signature
            await asyncio.to_thread(end)

    return Ending()


def _child(folder: Path, terms: Terms, tell: Callable[[bytes], None]) -> process.Completed:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as events:
        try:
            with _lock:  # once a batch has been stopped, nothing of it starts
                if terms.batch in _stopped:
                    return process.Completed(None, "stopped", 0.0, timed_out=False)
                child = process.spawn(
                    [sys.executable, "-P", "-m", "grader.batch.child", str(folder)],
                    env={**os.environ, EVENTS: str(writing)},
                    pass_fds=(writing,),
                    die_with_parent=True,
                )
                _children[child] = terms.batch
        finally:
            os.close(writing)
        try:
            reader = threading.Thread(target=_hand_on, args=(events, tell), daemon=True)
            reader.start()
            completed = _ended(child, terms.deadline_s)
            reader.join(5)
            return completed
        finally:
            child.kill()
            with _lock:
                _children.pop(child, None)


def _ended(child: process.Child, within_s: float) -> process.Completed:
    """Wait for a grading's end for so long, not counting what was slept through: it cleans up by itself then."""
    patience = Patience(within_s)
    eventually(lambda: not child.running() or patience.over(), within=math.inf, every=_EVERY_S, what="end of a grading")
    return child.wait(0)


def _hand_on(events: IO[bytes], tell: Callable[[bytes], None]) -> None:
    for line in events:
        tell(line)


def _lacking(client: docker.DockerClient, terms: Terms, most_mib: int) -> tuple[Lack, ...]:
    """Have every image that the class names, each asked for once, and return those that are not to be had.

    What cannot be used as it is named is the submission's own fault: its grading says so.
    """

    def lack(name: str) -> Lack | None:
        try:
            images.resolve(client, (name,), mode=terms.images, most_mib=most_mib)
        except UnusableImagesError:
            return None
        except DockerUnavailableError:  # then nothing can be graded
            raise
        except GraderError as error:
            return Lack(name, error.message, error.remedy)
        return None

    with ThreadPoolExecutor(_IMAGES_AT_ONCE, thread_name_prefix="image") as pool:
        return tuple(found for found in pool.map(lack, terms.named) if found)


def _images_of(assignment: Assignment) -> tuple[str, ...]:
    """Return the catalogue names that the starter uses: what most submissions will."""
    with scratch.folder("starter") as folder:
        try:
            workspace = receive(Path(assignment.directory) / "starter", folder / "starter")
            return policy.judge(workspace, assignment, catalogue.load()).images
        except (UsageError, SubmissionError):  # an assignment without a starter that runs
            return ()


def _other_version(terms: Terms) -> Text:
    return msg(
        "%(host)s has another version of the grader or of %(assignment)s; install the same one everywhere.",
        host=platform.node(),
        assignment=terms.assignment,
    )
