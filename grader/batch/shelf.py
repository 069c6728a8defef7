"""Submissions that have been taken in and wait to be graded: on disk, since a class may be larger than memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grader.batch.job import Job

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Shelf:
    """Keeps jobs in their order in a folder of the caller's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._needs: dict[str, tuple[str, ...]] = {}

    def put(self, job: Job, images: Iterable[str]) -> None:
        """Keep a job, and which images it needs."""
        self._file(job.content).write_bytes(msgspec.msgpack.encode(job))
        self._needs[job.content] = tuple(dict.fromkeys(images))

    @property
    def named(self) -> tuple[str, ...]:
        """The images that anything here needs."""
        return tuple(dict.fromkeys(name for images in self._needs.values() for name in images))

    def needing(self, image: str) -> int:
        """Return how many jobs need an image."""
        return sum(image in images for images in self._needs.values())

    def take(self) -> Iterator[tuple[Job, tuple[str, ...]]]:
        """Yield each job with the images that it needs, and keep it no longer."""
        for content, images in self._needs.items():
            job = msgspec.msgpack.decode(self._file(content).read_bytes(), type=Job)
            self._file(content).unlink()
            yield job, images

    def __len__(self) -> int:
        return len(self._needs)

    def _file(self, content: str) -> Path:
        return self._folder / content
