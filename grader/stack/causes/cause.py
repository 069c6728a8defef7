"""A cause: what is wrong in which file, and what to write."""

from __future__ import annotations

import fnmatch
import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from grader.model.plan import Build
from grader.model.text import Text
from grader.stack.objects import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COPY = re.compile(r"\s*(?:COPY|ADD)\s+(?P<rest>\S.*)", re.IGNORECASE)
_MAX_BYTES = 1 << 20


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why something does not run. file: of the submission; line: from 1, 0 where it is the file itself."""

    message: Text
    remedy: Text
    file: str = ""
    line: int = 0


class Sources(msgspec.Struct, frozen=True):
    """A submission's files, and what is built of them. root: without links on its way, as `of` makes it."""

    root: Path
    builds: tuple[Build, ...] = ()

    @classmethod
    def of(cls, root: Path, builds: Iterable[Build]) -> Sources:
        """Return the sources in a workspace."""
        return cls(root.resolve(), tuple(builds))

    def build(self, service: str) -> Build | None:
        """Return what is built for a service."""
        return next((build for build in self.builds if build.service == service), None)

    def folder(self, build: Build | None) -> Path:
        """Return the folder of a build's context, or the whole submission where nothing is built."""
        return inside(self.root, build.context) if build else self.root

    def context(self, build: Build | None) -> Iterator[Path]:
        """Give the files of a build's context, or all where nothing is built."""
        return self.files(self.folder(build))

    def present(self, build: Build) -> list[str]:
        """Return the files of a build's context by their paths in it."""
        return [path.relative_to(self.folder(build)).as_posix() for path in self.context(build)]

    def dockerfile(self, build: Build) -> list[str]:
        """Return the lines of a build's Dockerfile, none where it is no file that may be read whole."""
        path = self.root / build.dockerfile
        return path.read_text("utf-8", "replace").splitlines() if is_small(path) else []

    def named(self, name: str, build: Build | None) -> list[Path]:
        """Return the files of this name: those of the build's context, else all; those that lie highest first."""
        found = [path for path in self.files(self.root) if path.name == name]
        own = [path for path in found if path.is_relative_to(self.folder(build))]
        return sorted(own or found, key=lambda path: (len(path.parts), path))

    def relative(self, path: Path) -> str:
        """Return a file's name as findings give it."""
        return path.relative_to(self.root).as_posix()

    def copied(self, path: Path, build: Build) -> int:
        """Return the line of the Dockerfile that brings a file into the image last, 0 if none is seen to."""
        if not path.is_relative_to(self.folder(build)):
            return 0
        own = PurePosixPath(path.relative_to(self.folder(build)).as_posix())
        return max((n for n, line in enumerate(self.dockerfile(build), 1) if _brings(line, own)), default=0)

    @staticmethod
    def files(folder: Path) -> Iterator[Path]:
        """Give the plain files below a folder, in order."""
        for place, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = Path(place, name)
                if path.is_file() and not path.is_symlink():
                    yield path


def is_small(path: Path) -> bool:
    """Say whether a path is a plain file that may be read whole."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= _MAX_BYTES


def words(instruction: str) -> list[str]:
    """Return the words of an instruction of a Dockerfile, written as a list or not."""
    return [word for word in re.split(r"[\s\[\]\",]+", instruction) if word]


def _brings(line: str, own: PurePosixPath) -> bool:
    if not (match := _COPY.match(line)) or "--from=" in match["rest"]:
        return False
    named = [word for word in words(match["rest"]) if not word.startswith("--")]
    sources = [word.removeprefix("./").strip("/") for word in named[:-1]]
    return any(
        source in {"", "."} or PurePosixPath(source) in {own, *own.parents} or fnmatch.fnmatchcase(str(own), source)
        for source in sources
    )
