"""Being one of the machines that grade for the batches of a scheduler (`grader worker`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.batch.place import MANY_THREADS, NO_PAGES, PRIVATE, security
from grader.batch.worker import ending
from grader.errors import GraderError
from grader.model.text import msg

if TYPE_CHECKING:
    from pathlib import Path

    from grader.batch.place import Place

_PATIENCE_S = 120.0  # for the scheduler, the first time and whenever it has gone


async def serve(place: Place, scratch: Path) -> None:
    """Grade until the scheduler goes away. Raises GraderError if it was never there.

    A scheduler gives up a worker that was silent for long, and such a worker cannot go on: a machine that has slept
    comes back as a new one.
    """
    import dask.config  # noqa: PLC0415 - only a worker pays for it
    from distributed import Worker  # noqa: PLC0415

    dask.config.set(NO_PAGES)
    served = False
    while True:
        try:
            async with Worker(
                place.scheduler,
                nthreads=MANY_THREADS,
                memory_limit=0,
                local_directory=str(scratch),
                security=security(place),
                dashboard_address=PRIVATE,
                death_timeout=_PATIENCE_S,
                plugins=(ending(),),
            ) as serving:
                served = True
                await serving.finished()
        except (OSError, ValueError, RuntimeError) as error:
            if served:
                return
            raise GraderError(
                msg("No scheduler answers at %(address)s: %(why)s.", address=place.scheduler, why=str(error))
            ) from error
