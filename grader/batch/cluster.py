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
from grader.batch.events import WorkerJoined, WorkerLost, WorkerRefused
from grader.batch.job import Terms
from grader.batch.presence import Presence
from grader.errors import GraderError, UsageError
from grader.model.text import msg
from grader.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from distributed import Client, LocalCluster
    from distributed.security import Security

    from grader.batch.events import Listener

MEMORY, CPUS, JOBS = "grader-memory-mib", "grader-cpus", "grader-jobs"
MANY_THREADS = 64  # resources say how many gradings run at once, not threads
_LOSSES = 1  # a task that takes a second worker down with it is not tried a third time
_CONNECT_S = "30s"
_CLOSED_S = 60.0
_ANSWER_S = "30s"  # for a question to a scheduler that may have to be woken
_PRIVATE = "127.0.0.1:0"  # Dask's pages, which it serves in any case: nobody else's affair
_NO_PAGES: dict[str, list[str]] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
# A worker of this process is there as long as the process is. By default Dask drops one that it has not heard of for
# five minutes, and after a machine has slept that is the only one.
_NO_TTL: dict[str, None] = {"distributed.scheduler.worker-ttl": None}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where to grade. scheduler: "" for this process. jobs: at most so many at once on one machine (0: as fit).

    ca, cert, key: PEM files for TLS, all or none.
    """

    scheduler: str = ""
    jobs: int = 0
    ca: str = ""
    cert: str = ""
    key: str = ""


class Cluster:
    """An open connection to the workers; a context manager."""

    def __init__(self, place: Place, terms: Terms, listen: Listener) -> None:
        self._place = place
        self._terms = terms
        self._listen = listen
        self._seen: dict[str, worker.Fitness] = {}
        self._presence = Presence()
        self._local: LocalCluster | None = None
        self._closing = contextlib.ExitStack()
        self.client: Client

    def __enter__(self) -> Cluster:
        import dask.config  # noqa: PLC0415 - only a batch pays for it
        from distributed import Client, LocalCluster  # noqa: PLC0415

        dask.config.set(_NO_PAGES | _NO_TTL)
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        with contextlib.ExitStack() as opened:
            if self._place.scheduler:
                try:
                    self.client = opened.enter_context(
                        Client(self._place.scheduler, security=security(self._place), timeout=_CONNECT_S)
                    )
                except (OSError, ValueError) as error:
                    raise UsageError(
                        msg(
                            "No scheduler answers at %(address)s: %(why)s.",
                            address=self._place.scheduler,
                            why=str(error),
                        )
                    ) from error
            else:
                self._local = opened.enter_context(
                    LocalCluster(
                        n_workers=1,
                        processes=False,
                        threads_per_worker=MANY_THREADS,
                        dashboard_address=_PRIVATE,
                        worker_dashboard_address=_PRIVATE,
                        memory_limit=0,
                        silence_logs=logging.CRITICAL,
                    )
                )
                self.client = opened.enter_context(Client(self._local))
            self.client.run_on_scheduler(_tolerance(_LOSSES))
            self._closing = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

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

    def look(self) -> int:
        """Examine workers that are new, notice those that left; return how many are fit."""
        there = self._asked()
        if there is not None:
            for address in self._presence.gone(self._seen.keys(), there):
                self._lose(address)
            self._examine([address for address in there if address not in self._seen])
        return sum(not fit.problems for fit in self._seen.values())

    def _asked(self) -> set[str] | None:
        """Return the addresses of the workers that the scheduler itself has now, None if it does not answer.

        Not `Client.scheduler_info`: it returns a cache that Dask overwrites every two seconds with no workers at all.
        """
        scheduler = self.client.scheduler
        if scheduler is None:  # the client has given it up
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
        if new:
            found = self.client.run(
                _examine,
                msgspec.msgpack.encode(self._terms),
                self._place.jobs or MANY_THREADS,
                workers=new,
                on_error="return",
            )
            for address, said in found.items():
                self._note(address, said)

    def problems(self) -> tuple[WorkerRefused, ...]:
        """Return why workers were refused."""
        return tuple(WorkerRefused(a, f.host, f.problems) for a, f in self._seen.items() if f.problems)

    def stop(self) -> None:
        """End the gradings of this batch wherever they run; each removes its containers first."""
        with contextlib.suppress(OSError, TimeoutError, ValueError):  # a scheduler that is gone has no workers of ours
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


def security(place: Place) -> Security | None:
    """Return the TLS settings, None for none. Raises UsageError when some are missing."""
    from distributed.security import Security  # noqa: PLC0415 - only a batch pays for it

    given = (place.ca, place.cert, place.key)
    if not any(given):
        return None
    if not all(given):
        raise UsageError(msg("TLS needs all three: --tls-ca, --tls-cert and --tls-key."))
    return Security(
        tls_ca_file=place.ca,
        tls_client_cert=place.cert,
        tls_client_key=place.key,
        tls_worker_cert=place.cert,
        tls_worker_key=place.key,
        require_encryption=True,
    )


async def serve(place: Place, scratch: Path) -> None:
    """Be a worker of the scheduler until it goes away (`grader worker`)."""
    import dask.config  # noqa: PLC0415 - only a worker pays for it
    from distributed import Worker  # noqa: PLC0415

    dask.config.set(_NO_PAGES)
    try:
        async with Worker(
            place.scheduler,
            nthreads=MANY_THREADS,
            memory_limit=0,
            local_directory=str(scratch),
            security=security(place),
            dashboard_address=_PRIVATE,
        ) as serving:
            await serving.finished()
    except (OSError, ValueError) as error:
        raise GraderError(
            msg("No scheduler answers at %(address)s: %(why)s.", address=place.scheduler, why=str(error))
        ) from error


def _tolerance(losses: int) -> Callable[..., None]:
    def tolerate(dask_scheduler: Any) -> None:  # travels by value: a scheduler's machine needs no grader
        dask_scheduler.allowed_failures = losses

    return tolerate


async def _examine(terms: bytes, jobs: int, dask_worker: Any) -> bytes:
    """Run on a worker: look whether it is fit, and only then give it what gradings ask for."""
    wanted = msgspec.msgpack.decode(terms, type=Terms)
    fit = await asyncio.to_thread(worker.fitness, wanted)
    if not fit.problems:
        # a machine smaller than the weight still grades, one submission at a time
        memory, cpus = max(fit.memory_mib, wanted.weight.memory_mib), max(fit.cpus, wanted.weight.cpus)
        await dask_worker.set_resources(**{MEMORY: memory, CPUS: cpus, JOBS: jobs})
    return msgspec.msgpack.encode(fit)


async def _stop(batch: str) -> None:
    await asyncio.to_thread(worker.stop, batch)
