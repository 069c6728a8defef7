"""Runs jobs on a cluster: as many as fit, again after an error of ours, never a third time after two lost workers."""

from __future__ import annotations

import contextlib
import heapq
import platform
import queue
import time
from typing import TYPE_CHECKING, Any

import msgspec

from grader.batch import worker
from grader.batch.cluster import CPUS, JOBS, MEMORY, Cluster
from grader.batch.events import Grading, Queued, TriedAgain
from grader.batch.job import Done, Job
from grader.batch.pauses import Patience
from grader.errors import GraderError
from grader.events import PipelineEvent
from grader.model.text import Text, literal, msg
from grader.run import IMAGE_MISSING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from distributed import Future

    from grader.batch.events import Listener

_TOPIC = "grader-gradings"
_ROUND_S = 1.0  # how often workers are looked for
_PATIENCE_S = 120.0  # for a fit worker
# A machine that stands still more often than that while it grades one submission has something else the matter.
_INTERRUPTIONS = 10
_ENDS = ("finished", "error")  # of a future; any other one was lost with the scheduler


class Retries(msgspec.Struct, frozen=True):
    """How long to wait before each further try after an error of ours, in seconds."""

    back_off_s: tuple[float, ...] = (30.0, 120.0)


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a job. tries: gradings it took. aside: why it has no result of its own, or None."""

    job: Job
    done: Done
    tries: int
    aside: Text | None = None


class _Flight(msgspec.Struct, kw_only=True):
    """A job on its way. interruptions: gradings that ended for want of a machine, and are no tries."""

    job: Job
    tries: int = 0
    losses: int = 0
    interruptions: int = 0


class Engine:
    """Runs jobs; used once."""

    def __init__(self, cluster: Cluster, listen: Listener, retries: Retries) -> None:
        self._cluster = cluster
        self._listen = listen
        self._retries = retries
        self._news: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._flying: dict[str, tuple[_Flight, Future[Any]]] = {}
        self._waiting: list[tuple[float, int, _Flight]] = []
        self._count = 0

    def run(self, jobs: Iterable[Job]) -> Generator[Ended]:
        """Yield each job's end as it comes; `jobs` is read as places become free.

        Raises GraderError when there is no worker to wait for, or the scheduler is gone.
        """
        coming: Iterator[Job] | None = iter(jobs)
        self._cluster.subscribe(_TOPIC, self._heard)
        patience = Patience(_PATIENCE_S)
        try:
            while coming or self._flying or self._waiting:
                if self._cluster.look():
                    patience.renew()
                elif self._unfit() or patience.over():
                    raise self._nobody()
                coming = self._submit(coming)
                with contextlib.suppress(queue.Empty):
                    ended = self._landed(self._news.get(timeout=_ROUND_S))
                    if ended:
                        yield ended
        except BaseException:
            self._cluster.stop([future for _, future in self._flying.values()])
            raise
        finally:
            self._cluster.unsubscribe(_TOPIC)

    def _unfit(self) -> bool:
        """Say whether there is nothing to wait for: this process's own worker will not become fit."""
        return bool(self._cluster.problems()) and not self._cluster.remote

    def _submit(self, coming: Iterator[Job] | None) -> Iterator[Job] | None:
        """Hand over what waited long enough, and new jobs while there is room; None once there are no more."""
        if self._cluster.adrift:
            return coming
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self._launch(heapq.heappop(self._waiting)[2])
        while coming and len(self._flying) < self._cluster.room:  # Dask gives what waits to the workers of now
            job = next(coming, None)
            if job is None:
                return None
            self._launch(_Flight(job=job))
            self._listen(Queued(job.content, job.name))
        return coming

    def _launch(self, flight: _Flight) -> None:
        weight = flight.job.terms.weight
        self._count += 1
        future = self._cluster.client.submit(
            _grade,
            msgspec.msgpack.encode(flight.job),
            key=f"grade-{flight.job.terms.batch}-{self._count}",
            resources={MEMORY: weight.memory_mib, CPUS: weight.cpus, JOBS: 1},
            pure=False,
        )
        self._flying[str(future.key)] = flight, future
        future.add_done_callback(self._news.put)

    def _landed(self, future: Future[Any]) -> Ended | None:
        """Return the end that a future brings, or None when its job is tried again."""
        if str(future.key) not in self._flying:  # lost with the scheduler, as has been noticed
            return None
        if future.status not in _ENDS:
            self._lost()
            return None
        flight, _ = self._flying.pop(str(future.key))
        done, aside = self._outcome(flight, future)
        future.release()
        if done.stood_s and self._interrupted(flight, done):
            return None
        flight.tries += 1
        if flight.losses > 1:
            return Ended(job=flight.job, done=done, tries=flight.tries, aside=_TOOK_DOWN)
        failed = done.result is None or done.result.grade.status == "provisional"
        if failed and not self._vain(done) and flight.tries <= len(self._retries.back_off_s):
            self._later(flight, self._retries.back_off_s[flight.tries - 1], done)
            return None
        return Ended(job=flight.job, done=done, tries=flight.tries, aside=aside)

    def _lost(self) -> None:
        """Take back what is in work where nobody can reach it any more."""
        if not self._cluster.remote:
            raise self._away()
        self._cluster.lost()
        away = Done(result=None, host="", seconds=0.0, output=_AWAY.msgid)
        for key, (flight, future) in list(self._flying.items()):
            if future.status not in _ENDS:
                del self._flying[key]
                if not self._interrupted(flight, away):
                    raise self._away()

    def _interrupted(self, flight: _Flight, done: Done) -> bool:
        """Have a job graded again that nobody could end; False if that has happened too often."""
        if flight.interruptions == _INTERRUPTIONS:
            return False
        flight.interruptions += 1
        self._later(flight, 0.0, done)
        return True

    def _vain(self, done: Done) -> bool:
        """Say whether another try can only end as this one: no other machine is there that might have the image."""
        outcomes = done.result.outcomes if done.result else ()
        return self._cluster.fit < 2 and any(o.reason == IMAGE_MISSING for o in outcomes)

    def _later(self, flight: _Flight, after_s: float, done: Done) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (time.monotonic() + after_s, self._count, flight))
        self._listen(TriedAgain(flight.job.content, flight.job.name, after_s, _why(done), done.stood_s))

    def _outcome(self, flight: _Flight, future: Future[Any]) -> tuple[Done, Text | None]:
        from distributed import KilledWorker  # noqa: PLC0415 - only a batch pays for it

        if future.status == "finished":
            done = msgspec.msgpack.decode(future.result(), type=Done)
            flight.losses += done.lost
            return done, _STOOD if done.stood_s else _DIED if done.lost else None
        nothing = Done(result=None, host="", seconds=0.0)
        error = future.exception()
        if isinstance(error, KilledWorker):
            flight.losses += 2
            return nothing, _TOOK_DOWN
        return msgspec.structs.replace(nothing, output=repr(error)[:1000]), literal(repr(error)[:300])

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        said = event[1]
        with contextlib.suppress(msgspec.DecodeError, KeyError):
            self._listen(Grading(said["content"], said["name"], said["host"], _decoder.decode(said["event"])))

    def _away(self) -> GraderError:
        return GraderError(_AWAY, msg("Start it again; the same command then goes on where it was."))

    def _nobody(self) -> GraderError:
        if self._cluster.adrift:
            return self._away()
        reasons = [(refused.host, text) for refused in self._cluster.problems() for text in refused.problems]
        if reasons:
            return GraderError(reasons[0][1], reasons[1][1] if len(reasons) > 1 else None)
        return GraderError(
            msg("The scheduler has no workers."),
            msg("Start one on each machine that is to grade: %(command)s", command="grader worker ADDRESS"),
        )


_TOOK_DOWN = msg("The process that graded this died twice; a teacher has to look at it.")
_DIED = msg("The process that graded this died.")
_STOOD = msg("The machine stood still again and again while this was graded.")
_AWAY = msg("The scheduler went away.")
_decoder: msgspec.json.Decoder[PipelineEvent] = msgspec.json.Decoder(PipelineEvent)


def _why(done: Done) -> str:
    errors = done.result.errors if done.result else (done.output,)
    return errors[-1].strip().rsplit("\n", 1)[-1][:200] if errors else ""


def _grade(data: bytes) -> bytes:
    """Run on a worker."""
    from distributed import get_worker  # noqa: PLC0415 - only a worker has one

    job = msgspec.msgpack.decode(data, type=Job)
    here = get_worker()

    def tell(line: bytes) -> None:
        here.log_event(_TOPIC, {"content": job.content, "name": job.name, "host": platform.node(), "event": line})

    return msgspec.msgpack.encode(worker.run(job, tell))
