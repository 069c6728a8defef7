"""How large pulled images may be: what the registry says of each layer before it comes, and what the disk loses."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.images.failures import Failure
from grader.polling import Deadline

if TYPE_CHECKING:
    import docker

MIB = 1 << 20
# Beyond the limit, since others write to the same disk: what is lost while one image comes is not all its own.
_OTHERS = 4096 * MIB
_RESERVE = 1024 * MIB
_LOOK_S = 0.5


class Budget:
    """What the images of one submission may weigh, all that are pulled together; usable from several threads.

    The engine names a layer's size as the registry gives it when it begins to fetch it. A layer that unpacks to far
    more than that is seen on the disk, where the engine is on this machine, before it has filled it.
    """

    def __init__(self, engine: docker.DockerClient, most_mib: int) -> None:
        self.most = most_mib * MIB
        self._engine = engine
        self._announced: dict[str, int] = {}
        self._lock = threading.Lock()
        self._looked = Deadline(0)
        self._root: Path | None = None
        self._free = -1

    def broken_by(self, line: dict[str, Any]) -> Failure | None:
        """Return what speaks against going on after this line of a pull's progress, None as a rule."""
        detail = line.get("progressDetail") or {}
        with self._lock:
            if line.get("status") == "Downloading" and line.get("id"):
                size = max(int(detail.get("total") or 0), int(detail.get("current") or 0))
                self._announced[str(line["id"])] = size
            if sum(self._announced.values()) > self.most:
                return Failure("too-large")
            if not self._looked.passed():
                return None
            self._looked = Deadline(_LOOK_S)
            if self._free < 0:
                self._root = _root(self._engine)
                self._free = self._left()
        left = self._left()
        if self._free - left > self.most + _OTHERS:
            return Failure("too-large")
        return Failure("full") if left < _RESERVE else None

    def _left(self) -> int:
        return shutil.disk_usage(self._root).free if self._root else 1 << 62


def _root(engine: docker.DockerClient) -> Path | None:
    """Return where the engine keeps its layers, if that is on this machine (a socket may lead into a virtual one)."""
    root = Path(str(engine.info().get("DockerRootDir") or ""))
    here = engine.api.base_url.startswith("http+docker://")
    return root if here and root.is_absolute() and root.is_dir() else None
