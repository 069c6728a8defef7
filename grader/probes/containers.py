"""Container events of the stack (started, died, paused …) into the History."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.probes.addresses import Addresses
    from grader.probes.reach import Stack
    from grader.probes.recorder import Recorder

KINDS = {"start": "started", "die": "died", "oom": "out-of-memory", "pause": "paused", "unpause": "unpaused"}


class ContainerWatch:
    """Follows the engine's events of one stack from a thread of its own until `close`."""

    def __init__(self, stack: Stack, recorder: Recorder, addresses: Addresses) -> None:
        self._recorder = recorder
        self._addresses = addresses
        self._stream = stack.events()
        self._thread = threading.Thread(target=self._run, name="container-events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stream.close()

    def _run(self) -> None:
        for event in self._stream:
            kind = KINDS.get(event.action)
            if kind in {"started", "died"}:
                self._addresses.changed()
            if kind:
                data: dict[str, Any] = {"exit_code": event.exit_code} if kind == "died" else {}
                self._recorder.note("docker", kind, actor=event.container, **data)
