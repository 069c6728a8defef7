"""Says what this machine has, what it lacks, and the command that mends it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil

from grader import catalogue, paths
from grader.errors import DockerUnavailableError, GraderError
from grader.images import survey
from grader.images.endpoint import connect, current_endpoint
from grader.model.text import Text, msg
from grader.stack.compose import compose_version, find_compose

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

PYTHON = (3, 11)
# Images, layers, and what one submission can write before the watch ends it (its limit, and a few seconds more).
DISK_GIB = 15.0
# A broker, three workers and an API at their limits.
MEMORY_GIB = 3.0
_GIB = 1024**3


class Diagnosis(msgspec.Struct, frozen=True):
    """One thing looked at; `remedy` is what to do when it is not `ok`, or what would make it better."""

    name: str
    ok: bool
    message: Text
    remedy: Text | None = None


def diagnose() -> tuple[Diagnosis, ...]:
    """Look at everything that a grading needs; takes a second or two, changes nothing, never raises."""
    engine, found = _engine()
    return (
        _python(sys.version_info[:3]),
        found,
        _compose(),
        _images(engine),
        _disk(shutil.disk_usage(_engine_disk(engine)).free / _GIB),
        _memory(_engine_memory(engine) / _GIB),
    )


def _python(version: tuple[int, ...]) -> Diagnosis:
    shown = ".".join(map(str, version))
    if version[:2] >= PYTHON:
        return Diagnosis("python", True, msg("Python %(version)s", version=shown))
    return Diagnosis(
        "python",
        False,
        msg("Python %(version)s is too old; 3.11 or newer is needed.", version=shown),
        msg("Install Python 3.11 or newer, and run make setup again."),
    )


def _engine() -> tuple[docker.DockerClient | None, Diagnosis]:
    try:
        client = connect(timeout_s=10)
        version = client.version()
    except DockerUnavailableError as error:
        return None, Diagnosis("engine", False, error.message, error.remedy)
    message = msg(
        "Docker engine %(version)s (API %(api)s) at %(endpoint)s",
        version=str(version.get("Version", "?")),
        api=str(version.get("ApiVersion", "?")),
        endpoint=current_endpoint(),
    )
    return client, Diagnosis("engine", True, message)


def _compose(find: Callable[[], Path] = find_compose) -> Diagnosis:
    try:
        path = find()
    except GraderError as error:
        return Diagnosis("compose", False, error.message, error.remedy)
    version = ".".join(map(str, compose_version(path) or ()))
    return Diagnosis("compose", True, msg("Docker Compose %(version)s at %(path)s", version=version, path=str(path)))


def _images(engine: docker.DockerClient | None) -> Diagnosis:
    if engine is None:
        return Diagnosis("images", False, msg("The images cannot be looked at without an engine."))
    known = catalogue.load()
    here = {row["name"]: row["state"] for row in survey(engine, known)}
    missing = [name for name in known.prepared if here.get(name) == "missing"]
    if missing:
        return Diagnosis(
            "images",
            False,
            msg("Not here yet: %(names)s. The first grading that needs them gets them.", names=", ".join(missing)),
            msg("make setup, or: grader images ensure %(names)s", names=" ".join(missing)),
        )
    stand_ins = sum(here[name] == "equivalent" for name in known.prepared)
    return Diagnosis(
        "images",
        True,
        msg("%(count)s images are ready, %(built)s of them built here.", count=len(known.prepared), built=stand_ins),
    )


def _disk(free_gib: float) -> Diagnosis:
    return Diagnosis(
        "disk",
        free_gib >= DISK_GIB,
        msg("%(free)s GiB of disk are free (%(wanted)s are wanted).", free=round(free_gib, 1), wanted=DISK_GIB),
        msg("Make room: grader clean, then docker system df to see what takes it."),
    )


def _engine_disk(engine: docker.DockerClient | None) -> Path:
    """Return where the engine keeps images and layers, if that is on this machine, else the grader's own cache."""
    root = Path(str(engine.info().get("DockerRootDir") or "")) if engine else Path()
    return root if root.is_absolute() and root.is_dir() else paths.cache()


def _memory(total_gib: float) -> Diagnosis:
    return Diagnosis(
        "memory",
        total_gib >= MEMORY_GIB,
        msg(
            "The engine has %(total)s GiB of memory (%(wanted)s are wanted).",
            total=round(total_gib, 1),
            wanted=MEMORY_GIB,
        ),
        msg("Give Docker Desktop (or the virtual machine) more memory in its settings."),
    )


def _engine_memory(engine: docker.DockerClient | None) -> int:
    """Return the engine's memory in bytes, which on Docker Desktop is less than the machine's."""
    if engine is None:
        return psutil.virtual_memory().total
    return int(engine.info().get("MemTotal") or 0)
