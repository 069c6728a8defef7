"""What a batch tells whoever listens: the live table, a log file, JSON lines."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from grader.events import PipelineEvent
from grader.model.classroom import Summary
from grader.model.text import Text


class ClassRead(msgspec.Struct, frozen=True, tag="class-read", kw_only=True):
    """The class is known: how many attempts will be looked at, of how many students, in which form it came."""

    form: str
    students: int
    attempts: int


class WorkerJoined(msgspec.Struct, frozen=True, tag="worker-joined"):
    """A machine may take work; it has so much memory (MiB) and so many processors to give."""

    worker: str
    host: str
    memory_mib: int
    cpus: float


class WorkerRefused(msgspec.Struct, frozen=True, tag="worker-refused"):
    """A machine takes no work, for these reasons."""

    worker: str
    host: str
    problems: tuple[Text, ...]


class ImageMissing(msgspec.Struct, frozen=True, tag="image-missing"):
    """No machine can get an image that so many submissions need: they end as provisional, without being tried."""

    name: str
    submissions: int
    message: Text
    remedy: Text | None


class WorkerLost(msgspec.Struct, frozen=True, tag="worker-lost"):
    """A machine is gone; what it graded is graded elsewhere."""

    worker: str
    host: str


class Queued(msgspec.Struct, frozen=True, tag="queued"):
    """A submission waits for a place."""

    content: str
    name: str


class Grading(msgspec.Struct, frozen=True, tag="grading"):
    """Something happened in the grading of a submission on a host."""

    content: str
    name: str
    host: str
    event: PipelineEvent


class TriedAgain(msgspec.Struct, frozen=True, tag="again"):
    """A grading met an error of ours and is tried again after so many seconds.

    stood_s: it was in work while the machine stood still for so long; such a try does not count as one.
    """

    content: str
    name: str
    after_s: float
    why: str
    stood_s: float = 0.0


class Graded(msgspec.Struct, frozen=True, tag="graded", kw_only=True):
    """A submission has its result. cached: it was in the journal. left: how many attempts are still to come."""

    content: str
    name: str
    students: tuple[str, ...]
    summary: Summary
    cached: bool = False
    left: int = 0


class Remark(msgspec.Struct, frozen=True, tag="remark"):
    """Something worth a line."""

    text: Text


BatchEvent = (
    ClassRead
    | WorkerJoined
    | WorkerRefused
    | ImageMissing
    | WorkerLost
    | Queued
    | Grading
    | TriedAgain
    | Graded
    | Remark
)
Listener = Callable[[BatchEvent], None]
