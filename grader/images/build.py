"""Builds equivalents: base before what stands on it, each once, by the engine's own classic builder.

The classic builder needs no client program and is in every engine; an equivalent's Dockerfile keeps to what it knows.
"""

from __future__ import annotations

import io
import tarfile
import threading
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests.exceptions

from grader import locks
from grader.errors import ImageMissingError
from grader.images import recipes
from grader.images.bootstrap import debian, have_program
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from grader.catalogue import Catalogue, Equivalent

LABEL = "grader.equivalent"
LABEL_VERSION = "grader.equivalent.version"
VERSION_FILE = "/etc/grader-version"
# A step that is silent for longer than this is stuck, seconds.
_SILENCE_S = 600
_LOG_LINES = 15


class Builder:
    """Finds and builds equivalents on one engine; usable from several threads. `cancel()` ends running builds."""

    def __init__(
        self, engine: docker.DockerClient, catalogue: Catalogue, *, on_progress: Callable[[Text], None]
    ) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._tell = on_progress
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Make running builds end at their next line of output."""
        self._cancelled.set()

    def present(self, equivalent: Equivalent) -> str | None:
        """Return the version label of the equivalent if it is on the engine as its recipe has it now, else None."""
        try:
            labels = self._engine.images.get(equivalent.reference).labels
        except docker.errors.ImageNotFound:
            return None
        if labels.get(LABEL) != recipes.fingerprint(self._catalogue, equivalent):
            return None
        return str(labels.get(LABEL_VERSION) or equivalent.version)

    def prepare(self, wanted: Iterable[Equivalent]) -> None:
        """Have the program that makes base images, if one of `wanted` stands on a base that is not here.

        Called before builds run beside each other. Raises ImageMissingError, or PackagesError with apt's words.
        """
        if any(e.suite and self.present(e) is None for e in self._with_lower(wanted)):
            have_program(self._tell)

    def _with_lower(self, wanted: Iterable[Equivalent]) -> list[Equivalent]:
        found: dict[str, Equivalent] = {}
        waiting = list(wanted)
        while waiting:
            each = waiting.pop()
            if each.name not in found:
                found[each.name] = each
                waiting += recipes.dependencies(self._catalogue, each).values()
        return list(found.values())

    def ensure(self, equivalent: Equivalent) -> str:
        """Build the equivalent and what it stands on, unless it is there; return its real version.

        Raises ImageMissingError with the last lines of the log.
        """
        if (version := self.present(equivalent)) is not None:
            return version
        lower = recipes.dependencies(self._catalogue, equivalent)
        for dependency in lower.values():
            self.ensure(dependency)
        with locks.exclusive(equivalent.name):
            if (version := self.present(equivalent)) is not None:  # another thread or grader built it meanwhile
                return version
            arguments = {argument: dependency.reference for argument, dependency in lower.items()}
            if equivalent.suite:
                arguments["BASE"] = debian(self._engine, equivalent.suite, on_progress=self._tell)
            self._tell(msg("Building %(name)s from packages", name=equivalent.reference))
            return self._build(equivalent, arguments | equivalent.args)

    def _build(self, equivalent: Equivalent, arguments: dict[str, str]) -> str:
        built = self._run(equivalent, recipes.context(equivalent.recipe), buildargs=arguments)
        version = self._version(built) or equivalent.version
        labels = {LABEL: recipes.fingerprint(self._catalogue, equivalent), LABEL_VERSION: version}
        # The version is known only now, so the labels and the name go onto an image with nothing else in it.
        self._run(equivalent, _archive("Dockerfile", f"FROM {built}\n"), labels=labels, tag=equivalent.reference)
        return version

    def _run(self, equivalent: Equivalent, archive: bytes, **options: Any) -> str:
        """Run one build to its end and return the image's id."""
        log: list[str] = []
        image = ""
        try:
            for line in self._engine.api.build(
                fileobj=io.BytesIO(archive),
                custom_context=True,
                decode=True,
                rm=True,
                forcerm=True,
                timeout=_SILENCE_S,
                **options,
            ):
                if self._cancelled.is_set():
                    raise ImageMissingError(msg("The build of %(name)s was interrupted.", name=equivalent.reference))
                if "error" in line:
                    raise self._failed(equivalent, [*log, str(line["error"])])
                log.extend(str(line.get("stream", "")).rstrip().splitlines())
                image = (line.get("aux") or {}).get("ID") or image
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise self._failed(equivalent, [*log, str(error)]) from error
        return image

    def _failed(self, equivalent: Equivalent, log: list[str]) -> ImageMissingError:
        return ImageMissingError(
            msg(
                "The equivalent %(name)s could not be built: %(log)s",
                name=equivalent.reference,
                log="\n".join(log[-_LOG_LINES:]),
            ),
            msg(
                "Look whether the package sources can be reached, and run again: grader images ensure %(name)s",
                name=equivalent.name,
            ),
        )

    def _version(self, image: str) -> str:
        """Return what the recipe wrote down as the real version."""
        container = self._engine.api.create_container(image, command=["true"])
        try:
            chunks, _ = self._engine.api.get_archive(container, VERSION_FILE)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = archive.extractfile(archive.getmembers()[0])
                return member.read().decode().strip() if member else ""
        except docker.errors.NotFound:
            return ""
        finally:
            self._engine.api.remove_container(container, v=True, force=True)


def _archive(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    data = text.encode()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
