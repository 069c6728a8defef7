"""What the engine reports of a stack's containers while it happens."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
from docker.errors import DockerException

from grader.stack import labels
from grader.stack.engine import engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

_ACTIONS = ("create", "start", "die", "kill", "pause", "unpause", "stop", "restart", "oom", "destroy")


class ContainerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a container.

    at: seconds on the stack's clock. action: Docker's word ("start", "die", "pause", ...). container: "worker-2".
    exit_code: of a "die", else None. signal: of a "kill", else "".
    """

    at: float
    action: str
    container: str
    service: str
    exit_code: int | None = None
    signal: str = ""


class EventStream:
    """Iterates over a project's container events as they come; `close`, from any thread, ends the iteration."""

    def __init__(self, client: docker.DockerClient, project: str, epoch: float, *, since: float | None = None) -> None:
        """Subscribe at once; since: also what happened from that second of the stack's clock on."""
        filters = {"label": [f"{labels.PROJECT}={project}"], "type": ["container"], "event": list(_ACTIONS)}
        # The engine takes text with nanoseconds, which the SDK's type for datetimes would cut.
        start: Any = None if since is None else f"{epoch + since:.9f}"
        self._epoch = epoch
        self._closed = False
        with engine_errors("events"):
            self._stream: Any = client.api.events(decode=True, filters=filters, since=start)

    def __iter__(self) -> Iterator[ContainerEvent]:
        try:
            for raw in self._stream:
                about: dict[str, str] = raw["Actor"]["Attributes"]
                if labels.SERVICE in about:
                    yield self._event(raw, about)
        except (DockerException, OSError, ValueError, AttributeError):
            # Closing pulls the socket from under the reader, which says so in several ways.
            if not self._closed:
                raise

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the subscription; harmless when it has ended."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(DockerException, OSError, ValueError, AttributeError):
                self._stream.close()

    def _event(self, raw: dict[str, Any], about: dict[str, str]) -> ContainerEvent:
        service = about[labels.SERVICE]
        code = about.get("exitCode")
        return ContainerEvent(
            at=raw["timeNano"] / 1e9 - self._epoch,
            action=raw["Action"].partition(":")[0],
            container=f"{service}-{about.get(labels.NUMBER, '1')}",
            service=service,
            exit_code=None if code is None else int(code),
            signal=about.get("signal", ""),
        )
