"""A watch on what a running stack writes to the host's disk: writable layers and volumes, named and anonymous ones."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from grader.polling import Deadline
from grader.stack import labels
from grader.stack.engine import ENGINE_ERRORS, gone_is_fine

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from grader.stack.stack import Stack

_EVERY_S = 2.0
# The engine measures everything it has, so a host with much on it is looked at less often.
_SHARE = 3
_ONLY_VOLUMES = (1, 42)  # from this version of the engine's API on it can be asked for volumes alone


class DiskWatch:
    """Measures every few seconds in a thread of its own; over the limit it tells once, then removes the containers.

    What the engine says counts sparse files as if they were full (Kafka's indexes: a GB), so a limit is generous.
    """

    def __init__(self, stack: Stack, *, limit_mib: int, on_exceeded: Callable[[], None]) -> None:
        """Begin to watch; `close` ends it. on_exceeded: called from the thread, before containers are killed."""
        self._client: docker.DockerClient = stack.client
        self._project = stack.info.project
        self._limit = limit_mib << 20
        self._tell = on_exceeded
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk-watch", daemon=True)
        self.exceeded = False
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join(_EVERY_S)

    def _run(self) -> None:
        pause = _EVERY_S
        while not self._over.wait(pause):
            age = Deadline(_EVERY_S)
            with contextlib.suppress(*ENGINE_ERRORS):  # away, or measuring for somebody else at the moment
                if self._written() > self._limit:
                    self.exceeded = True
                    self._tell()
                    self._kill()
                    return
            pause = max(_EVERY_S, _SHARE * age.elapsed())

    def _containers(self, *, size: bool = False) -> list[dict[str, Any]]:
        wanted = {"label": [f"{labels.PROJECT}={self._project}", labels.SERVICE]}
        found: list[dict[str, Any]] = self._client.api.containers(all=True, filters=wanted, size=size)
        return found

    def _written(self) -> int:
        containers = self._containers(size=True)
        volumes = {m["Name"] for c in containers for m in c["Mounts"] if m.get("Type") == "volume"}
        layers = sum(int(c.get("SizeRw", 0)) for c in containers)
        return layers + sum(size for name, size in self._volumes().items() if name in volumes)

    def _volumes(self) -> dict[str, int]:
        api: Any = self._client.api  # the SDK's own `df` cannot be asked for volumes alone
        alone = tuple(map(int, api.api_version.split("."))) >= _ONLY_VOLUMES
        found = api._result(api._get(api._url("/system/df"), params={"type": "volume"} if alone else {}), json=True)
        return {v["Name"]: (v.get("UsageData") or {}).get("Size", 0) for v in found.get("Volumes") or []}

    def _kill(self) -> None:
        for container in self._containers():
            with contextlib.suppress(*ENGINE_ERRORS), gone_is_fine():
                self._client.api.remove_container(container["Id"], force=True)
