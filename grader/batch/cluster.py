"""Where a batch runs: a Dask cluster within this process, or one that is there already, by its address.

A worker has none of the resources that a grading asks for until it has been seen to be fit for the work; so Dask itself
gives work to no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from grader.batch import worker
from grader.batch.events import Remark, WorkerJoined, WorkerLost, WorkerRefused
from grader.batch.job import Terms
from grader.batch.place import MANY_THREADS, NO_PAGES, PRIVATE, Place, security
from grader.batch.presence import Presence
from grader.errors import UsageError
from grader.model.text import msg
from grader.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from distributed import Client, Future, LocalCluster

    from grader.batch.events import Listener

MEMORY, CPUS, JOBS = "grader-memory-mib", "grader-cpus", "grader-jobs"
# A worker of this process is there as long as the process is. By default Dask drops one that it has not heard of for
# five minutes, and after a machine has slept that is the only one.
_NO_TTL: dict[str, None] = {"distributed.scheduler.worker-ttl": None}
_LOSSES = 1  # a task that takes a second worker down with it is not tried a third time
_CONNECT_S = 30.0
_AGAIN_S = 10.0  # for each try to find a scheduler again
_ANSWER_S = 30.0
_CLOSED_S = 60.0


class Cluster:
    """An open connection to the workers; a context manager."""

    def __init__(self, place: Place, terms: Terms, listen: Listener) -> None:
        self._place = place
        self._terms = terms
        self._listen = listen
        self._seen: dict[str, worker.Fitness] = {}
        self._presence = Presence()
        self._topics: dict[str, Callable[[tuple[float, Any]], None]] = {}
        self._adrift = False
        self._local: LocalCluster | None = None
        self._closing = contextlib.ExitStack()
        self.client: Client

    def __enter__(self) -> Cluster:
        import dask.config  # noqa: PLC0415 - only a batch pays for it

        dask.config.set(NO_PAGES | _NO_TTL)
        with contextlib.ExitStack() as opened:
            if not self.remote:
                self._local = opened.enter_context(_within())
            self._open(_CONNECT_S)
            opened.callback(self._leave)
            self._closing = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _leave(self) -> None:
        with contextlib.suppress(OSError):
            self.client.close()

    def _open(self, within: float) -> None:
        from distributed import Client  # noqa: PLC0415 - only a batch pays for it

        _silence()
        where = self._local or self._place.scheduler
        try:
            self.client = Client(where, security=security(self._place), timeout=within)
        except (OSError, ValueError) as error:
            raise UsageError(
                msg("No scheduler answers at %(address)s: %(why)s.", address=str(where), why=str(error))
            ) from error
        self.client.run_on_scheduler(_tolerance(_LOSSES))
        for topic, handler in self._topics.items():
            self.client.subscribe_topic(topic, handler)

    @property
    def remote(self) -> bool:
        """Whether workers may come and go."""
        return bool(self._place.scheduler)

    @property
    def room(self) -> int:
        """How many gradings can run at once on the fit workers."""
        weight, most = self._terms.weight, self._place.jobs or MANY_THREADS
        fit = [f for f in self._seen.values() if not f.problems]
        return sum(min(most, max(1, min(f.memory_mib // weight.memory_mib, int(f.cpus / weight.cpus)))) for f in fit)

    @property
    def adrift(self) -> bool:
        """Whether the scheduler has been lost and not been found again."""
        return self._adrift

    def subscribe(self, topic: str, handler: Callable[[tuple[float, Any]], None]) -> None:
        """Have `handler` called for what workers log under a topic, with whichever connection there is."""
        self._topics[topic] = handler
        self.client.subscribe_topic(topic, handler)

    def unsubscribe(self, topic: str) -> None:
        """End a subscription."""
        with contextlib.suppress(OSError, ValueError):  # of a scheduler that is gone there is none
            self.client.unsubscribe_topic(topic)

    def lost(self) -> None:
        """Take notice that the scheduler is out of reach, so that the next look begins with finding it."""
        if not self._adrift:
            self._adrift = True
            self._seen.clear()
            self._listen(Remark(msg("The scheduler cannot be reached; what was in work is graded again.")))

    def look(self) -> int:
        """Examine workers that are new, notice those that left; return how many are fit."""
        if self._adrift and not self._found():
            return 0
        there = self._asked()
        if there is not None:
            for address in self._presence.gone(self._seen.keys(), there):
                self._lose(address)
            self._examine([address for address in there if address not in self._seen])
        return self.fit

    def _found(self) -> bool:
        """Try to find the scheduler again, by a connection of its own, and end what still runs of the former one."""
        self._leave()
        try:
            self._open(_AGAIN_S)
            self.client.run(_end, self._terms.batch, on_error="ignore")
        except (UsageError, OSError):
            return False
        self._adrift = False
        return True

    def _asked(self) -> set[str] | None:
        """Return the addresses of the workers that the scheduler itself has now, None if it does not answer.

        Not `Client.scheduler_info`: it returns a cache that Dask overwrites every two seconds with no workers at all.
        """
        scheduler = self.client.scheduler
        if scheduler is None:  # the client has given it up
            self.lost()
            return None
        with contextlib.suppress(OSError):
            return set(self.client.sync(scheduler.identity, n_workers=-1, callback_timeout=_ANSWER_S)["workers"])
        return None

    def _lose(self, address: str) -> None:
        """Forget a worker that is gone. This process's own is started anew: nobody else would come in its place."""
        lost = self._seen.pop(address)
        if local := self._local:
            local.scale(0)
            eventually(lambda: not local.workers, within=_CLOSED_S, what="the end of what is left of it")
            local.scale(1)
        elif not lost.problems:
            self._listen(WorkerLost(address, lost.host))

    def _examine(self, new: list[str]) -> None:
        if not new:
            return
        jobs = self._place.jobs or MANY_THREADS
        with contextlib.suppress(OSError):  # the scheduler is out of reach; those that are there then are asked again
            found = self.client.run(_examine, msgspec.msgpack.encode(self._terms), jobs, workers=new, on_error="return")
            for address, said in found.items():
                self._note(address, said)

    @property
    def fit(self) -> int:
        """How many machines grade."""
        return sum(not fit.problems for fit in self._seen.values())

    def lacks(self) -> dict[str, worker.Lack]:
        """Return the images that no machine which grades can get, by name."""
        fit = [f for f in self._seen.values() if not f.problems]
        everywhere = set.intersection(*({lack.name for lack in f.lacks} for f in fit)) if fit else set()
        return {lack.name: lack for f in fit for lack in f.lacks if lack.name in everywhere}

    def problems(self) -> tuple[WorkerRefused, ...]:
        """Return why workers were refused."""
        return tuple(WorkerRefused(a, f.host, f.problems) for a, f in self._seen.items() if f.problems)

    def stop(self, futures: Sequence[Future[Any]]) -> None:
        """End the gradings of this batch wherever they run; each removes its containers first."""
        if self._adrift:  # a scheduler that is gone has no workers of ours
            return
        with contextlib.suppress(OSError, ValueError):
            self.client.cancel(list(futures))
            self.client.run(_stop, self._terms.batch, on_error="ignore")

    def _note(self, address: str, said: bytes | Exception) -> None:
        if isinstance(said, bytes):
            fit = msgspec.msgpack.decode(said, type=worker.Fitness)
        else:  # it has no grader, or another one that does not understand the question
            text = msg("A worker cannot be asked whether it is fit: %(error)s.", error=repr(said)[:300])
            fit = worker.Fitness(host=address, problems=(text,))
        self._seen[address] = fit
        if fit.problems:
            self._listen(WorkerRefused(address, fit.host, fit.problems))
        else:
            self._listen(WorkerJoined(address, fit.host, fit.memory_mib, fit.cpus))


def _within() -> LocalCluster:
    """Return a cluster within this process, with one worker, that nobody else can reach."""
    from distributed import LocalCluster  # noqa: PLC0415 - only a batch pays for it

    return LocalCluster(
        n_workers=1,
        processes=False,
        threads_per_worker=MANY_THREADS,
        dashboard_address=PRIVATE,
        worker_dashboard_address=PRIVATE,
        memory_limit=0,
        silence_logs=logging.CRITICAL,
        plugins=(worker.ending(),),
    )


def _silence() -> None:
    """Keep what Dask logs away from the reader; each of its parts has a level of its own."""
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _tolerance(losses: int) -> Callable[..., None]:
    def tolerate(dask_scheduler: Any) -> None:  # travels by value: a scheduler's machine needs no grader
        dask_scheduler.allowed_failures = losses

    return tolerate


async def _examine(terms: bytes, jobs: int, dask_worker: Any) -> bytes:
    """Run on a worker: look whether it is fit, and only then give it what gradings ask for."""
    from distributed import Status  # noqa: PLC0415 - only a batch pays for it

    wanted = msgspec.msgpack.decode(terms, type=Terms)
    fit = await asyncio.to_thread(worker.fitness, wanted)
    if not fit.problems:
        # a machine smaller than the weight still grades, one submission at a time
        memory, cpus = max(fit.memory_mib, wanted.weight.memory_mib), max(fit.cpus, wanted.weight.cpus)
        await dask_worker.set_resources(**{MEMORY: memory, CPUS: cpus, JOBS: jobs})
        # Dask looks which work has been waiting for a worker when one begins, and this one begins only now.
        dask_worker.status = Status.paused
        dask_worker.status = Status.running
    return msgspec.msgpack.encode(fit)


async def _stop(batch: str) -> None:
    await asyncio.to_thread(worker.stop, batch)


async def _end(batch: str) -> None:
    await asyncio.to_thread(worker.end, batch)
