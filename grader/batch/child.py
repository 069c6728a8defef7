"""The process that grades one submission for a worker: `python -P -m grader.batch.child FOLDER`.

A process of its own, so that whatever goes wrong in it (memory, a crash in a library) ends one grading and not a class.
FOLDER holds `job`; events go to the pipe on EVENTS, the result to `result`, written in one step. A grading during which
this process stood still for long ends at once and leaves `paused` instead: what was seen after it says nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from grader import assignments, pipeline
from grader.batch import content
from grader.batch.job import Job
from grader.batch.pauses import Watch
from grader.batch.slots import slot
from grader.model import portable
from grader.model.grade import Result
from grader.model.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.events import PipelineEvent

EVENTS = "GRADER_EVENTS"


def read_result(folder: Path) -> Result | None:
    """Return the result that a child left in its folder, or None."""
    try:
        return msgspec.json.decode((folder / "result").read_bytes(), type=Result)
    except (OSError, msgspec.DecodeError):
        return None


def read_pause(folder: Path) -> float:
    """Return how long a child stood still, in seconds; 0 if it did not, and then its result counts."""
    try:
        return float((folder / "paused").read_text("ascii"))
    except (OSError, ValueError):
        return 0.0


def main() -> None:
    """Grade the job in the folder named on the command line."""
    signal.signal(signal.SIGTERM, _interrupt)
    folder = Path(sys.argv[1])
    watch = Watch(on_pause=lambda: os.kill(os.getpid(), signal.SIGTERM))
    result: Result | None = None
    try:
        with watch:
            result = _graded(folder)
    except KeyboardInterrupt:
        if not watch.stood_s:
            raise
    if watch.stood_s or result is None:
        _write(folder / "paused", f"{watch.stood_s:.1f}".encode("ascii"))
    else:
        _write(folder / "result", portable.encode(result))


def _graded(folder: Path) -> Result:
    job = msgspec.msgpack.decode((folder / "job").read_bytes(), type=Job)
    (folder / "job").unlink()  # a grading may take long, and its memory is wanted elsewhere
    assignment = assignments.load(job.terms.assignment)
    places = max(1, os.cpu_count() or 1)
    options = pipeline.Options(seed=job.seed, images=job.terms.images, gate=partial(slot, places))
    with os.fdopen(int(os.environ[EVENTS]), "wb", buffering=0) as events:
        return pipeline.grade_taken(job.name, _taker(job), assignment, partial(_tell, events.write), options)


def _write(file: Path, data: bytes) -> None:
    draft = file.with_suffix(".tmp")
    draft.write_bytes(data)
    draft.replace(file)


def _taker(job: Job) -> Callable[[Path], Workspace]:
    def take(into: Path) -> Workspace:
        content.unpack(job.data, into)
        return Workspace(root=str(into.resolve()), name=job.name, findings=job.findings)

    return take


def _tell(write: Callable[[bytes], object], event: PipelineEvent) -> None:
    with contextlib.suppress(OSError):  # whoever listened has gone: the result counts
        write(portable.encode(event) + b"\n")


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
