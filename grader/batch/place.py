"""Where a batch grades, and what is the same for Dask wherever that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from grader.errors import UsageError
from grader.model.text import msg

if TYPE_CHECKING:
    from distributed.security import Security

MANY_THREADS: Final = 64  # resources say how many gradings run at once, not threads
PRIVATE: Final = "127.0.0.1:0"  # Dask's pages, which it serves in any case: nobody else's affair
NO_PAGES: Final[dict[str, list[str]]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where to grade. scheduler: "" for this process. jobs: at most so many at once on one machine (0: as fit).

    ca, cert, key: PEM files for TLS, all or none.
    """

    scheduler: str = ""
    jobs: int = 0
    ca: str = ""
    cert: str = ""
    key: str = ""


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
