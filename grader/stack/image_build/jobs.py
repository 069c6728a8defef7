"""A submission's builds: what there is to build, and its context as an archive."""

from __future__ import annotations

import io
import re
import secrets
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import msgspec

from grader import dockerignore
from grader.model.plan import Build
from grader.stack.emit import built_image
from grader.stack.image_build.dockerfile import STAGE, Step, for_engine
from grader.stack.objects import inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COPIED = re.compile(r"(\.grader/[0-7]{4}/)")
_PLATFORM = ("TARGETPLATFORM", "TARGETOS", "TARGETARCH", "BUILDPLATFORM", "BUILDOS", "BUILDARCH")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One image to build.

    image: its name. further: other names that it goes by. text: the Dockerfile, an instruction a line. steps: where
    each instruction comes from. context: the folder. ignore: what does not go in.
    """

    image: str
    build: Build
    further: tuple[str, ...]
    text: str
    steps: tuple[Step, ...]
    context: Path
    ignore: dockerignore.Ignore
    args: dict[str, str]

    def step(self, number: int) -> Step:
        """Return where an instruction comes from, by its number from 1; line 0 if there is none of that number."""
        return self.steps[number - 1] if 0 < number <= len(self.steps) else Step(0)

    def archive(self, into: IO[bytes]) -> str:
        """Write the context with the Dockerfile as a tar archive; return the Dockerfile's name in it.

        The name is one that no file of the submission has, and the builder takes the file out again before the first
        COPY, since the archive's .dockerignore names it.
        """
        name = f".dockerfile.{secrets.token_hex(10)}"
        hidden = dockerignore.NAME
        with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path in self.ignore.kept(self.context):
                if path == dockerignore.NAME:
                    hidden = _in_view(self.context)
                    continue
                _add(archive, self.context, path, path, _mode_of(path, self.build.modes))
                for copy, mode in _copies_of(path, self.build.modes):
                    _add(archive, self.context, path, copy, mode)
            for path, text in self.build.files:
                _put(archive, path, text.encode(), _mode_of(path, self.build.modes))
            _put(archive, name, self.text.encode())
            _put(archive, dockerignore.NAME, f"{hidden}\n{name}\n".encode("utf-8", "surrogateescape"))
        return name


def jobs(builds: Sequence[Build], *, project: str, workspace: Path, platform: tuple[str, str]) -> list[Job]:
    """Return what there is to build; identical builds (several services of one folder) are one job of several names.

    platform: the engine's operating system and architecture ("linux", "amd64").
    """
    groups: dict[tuple[Any, ...], list[Build]] = {}
    for build in builds:
        ignore = _ignore(workspace, build)
        key = (ignore, build.context, build.text, tuple(sorted(build.args.items())), build.modes, build.files)
        groups.setdefault(key, []).append(build)
    found = []
    for (ignore, *_), (first, *others) in groups.items():
        text, steps = for_engine(first)
        found.append(
            Job(
                image=built_image(project, first.service),
                build=first,
                further=tuple(built_image(project, other.service) for other in others),
                text=text,
                steps=steps,
                context=inside(workspace, first.context),
                ignore=ignore,
                args=_platform_arguments(text, platform) | {k: v.replace("$$", "$") for k, v in first.args.items()},
            )
        )
    return found


def base_images(jobs_: Sequence[Job]) -> list[str]:
    """Return the images that the Dockerfiles start from, without their own stages and what ARGs make up."""
    found: dict[str, None] = {}
    for job in jobs_:
        stages: set[str] = set()
        for line in job.text.splitlines():
            if match := STAGE.match(line):
                if match["base"].lower() not in {*stages, "scratch"} and "$" not in match["base"]:
                    found[match["base"]] = None
                stages.add((match["name"] or "").lower())
    return list(found)


def _ignore(workspace: Path, build: Build) -> dockerignore.Ignore:
    """Return what a build leaves out of its context, as it has been judged."""
    path = dockerignore.find(workspace / build.dockerfile, inside(workspace, build.context))
    data = _read(path, workspace) if path else b""
    return dockerignore.read(data)


def _read(path: Path, root: Path) -> bytes:
    """Return the bytes of a file that lies in a folder; a link that leads out of it counts for nothing."""
    return path.read_bytes() if path.is_file() and path.resolve().is_relative_to(root.resolve()) else b""


def _in_view(context: Path) -> str:
    """Return a .dockerignore that stays in the context; where it is not the one that counts, it may hold anything."""
    data = _read(context / dockerignore.NAME, context)
    try:
        dockerignore.read(data)
    except dockerignore.IgnoreError:  # the engine would not read on to our own line
        data = b""
    return f"{data.decode('utf-8', 'surrogateescape')}\n!{dockerignore.NAME}"


def _platform_arguments(text: str, platform: tuple[str, str]) -> dict[str, str]:
    """Return values for the platform's arguments that a Dockerfile declares; newer builders know them by themselves."""
    system, architecture = platform
    values = {"PLATFORM": f"{system}/{architecture}", "OS": system, "ARCH": architecture}
    declared = {word for line in text.splitlines() if line.startswith("ARG ") for word in line.split()[1:]}
    return {name: values[name.removeprefix("TARGET").removeprefix("BUILD")] for name in _PLATFORM if name in declared}


def _mode_of(path: str, modes: Sequence[tuple[str, int]]) -> int | None:
    """Return the mode that a COPY --chmod gives a file, None where none does."""
    return next((mode for source, mode in modes if _means(source, path)), None)


def _copies_of(path: str, modes: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Give the paths and modes that a file has besides its own."""
    for prefix, mode in dict.fromkeys(
        (match[1], mode)
        for source, mode in modes
        if (match := _COPIED.match(source)) and _means(source[match.end() :], path)
    ):
        yield f"{prefix}{path}", mode


def _means(source: str, path: str) -> bool:
    """Say whether a COPY of `source` copies a file."""
    own = PurePosixPath(path)
    return source in {".", ""} or PurePosixPath(source) in {own, *own.parents} or own.match(source)


def _add(archive: tarfile.TarFile, root: Path, relative: str, name: str, mode: int | None) -> None:
    """Add a file, folder or link of the context under a name as root's; what is none of these stays behind."""
    path = root / relative
    entry = archive.gettarinfo(str(path), arcname=name)
    if not (entry.isreg() or entry.isdir() or entry.issym() or entry.islnk()):
        return
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    if entry.islnk():  # two names of one file here are two files there
        entry.type, entry.size, entry.linkname = tarfile.REGTYPE, path.stat().st_size, ""
    if mode is not None and not entry.issym():
        entry.mode = mode
    if entry.isreg():
        with path.open("rb") as reader:
            archive.addfile(entry, reader)
    else:
        archive.addfile(entry)


def _put(archive: tarfile.TarFile, name: str, data: bytes, mode: int | None = None) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode or stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
    archive.addfile(entry, io.BytesIO(data))
