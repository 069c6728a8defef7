"""A submission's builds: contexts as archives, texts for the engine's builder, and what to say when one fails."""

from __future__ import annotations

import io
import re
import secrets
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import msgspec
from docker.utils.build import exclude_paths

from grader.model.findings import Finding
from grader.model.plan import Build
from grader.model.text import Text, msg
from grader.stack.emit import built_image
from grader.stack.objects import inside

if TYPE_CHECKING:
    from collections.abc import Sequence

# On every stage, so that layers which nobody's image needs any more can be told from those of others, and removed.
LAYER_LABEL = "grader.layer"
_DETAIL_LINES = 40
_OUT_OF_MEMORY = 137
_IGNORE = ".dockerignore"
_MAX_PATTERNS = 200
_NOISE = re.compile(r"^(?:Removing intermediate container [0-9a-f]+| ---> .*|\[Warning\] One or more build-args .*)$")
_STAGE = re.compile(r"FROM (?P<base>\S+)(?: AS (?P<name>\S+))?$", re.IGNORECASE)
_FROM_STAGE = re.compile(r"^(?:ONBUILD )?(?:COPY|ADD) (?:--\S+ )*?--from=(?P<stage>\S+)", re.IGNORECASE)
_PLATFORM = ("TARGETPLATFORM", "TARGETOS", "TARGETARCH", "BUILDPLATFORM", "BUILDOS", "BUILDARCH")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One image to build.

    image: its name. further: other names that it goes by. text: the Dockerfile, an instruction a line. lines: per
    instruction the line of the submission's own file (0: ours). context: the folder. excluded: patterns of what does
    not go in. ignore: the submission's own .dockerignore, None without one.
    """

    image: str
    build: Build
    further: tuple[str, ...]
    text: str
    lines: tuple[int, ...]
    context: Path
    excluded: tuple[str, ...]
    ignore: bytes | None
    args: dict[str, str]

    def archive(self, into: IO[bytes]) -> str:
        """Write the context with the Dockerfile as a tar archive; return the Dockerfile's name in it.

        The name is one that no file of the submission has, and the builder takes the file out again before the first
        COPY, since the archive's .dockerignore names it.
        """
        name = f".dockerfile.{secrets.token_hex(10)}"
        with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path in sorted(exclude_paths(str(self.context), [*self.excluded], dockerfile=name)):
                if path != _IGNORE:
                    _add(archive, self.context, path, _mode_of(path, self.build.modes))
            for path, text in self.build.files:
                _put(archive, path, text.encode(), _mode_of(path, self.build.modes))
            _put(archive, name, self.text.encode())
            last = b"\n" + name.encode() + b"\n"
            _put(archive, _IGNORE, self.ignore + last if self.ignore is not None else _IGNORE.encode() + last)
        return name


def jobs(builds: Sequence[Build], *, project: str, workspace: Path, platform: tuple[str, str]) -> list[Job]:
    """Return what there is to build; identical builds (several services of one folder) are one job of several names.

    platform: the engine's operating system and architecture ("linux", "amd64").
    """
    groups: dict[tuple[Any, ...], list[Build]] = {}
    for build in builds:
        key = (build.context, build.text, build.target, tuple(sorted(build.args.items())), build.modes, build.files)
        groups.setdefault(key, []).append(build)
    found = []
    for first, *others in groups.values():
        text, lines = for_engine(first)
        ignore = _ignore(workspace, first)
        found.append(
            Job(
                image=built_image(project, first.service),
                build=first,
                further=tuple(built_image(project, other.service) for other in others),
                text=text,
                lines=lines,
                context=inside(workspace, first.context),
                excluded=_patterns(ignore),
                ignore=ignore,
                args=_platform_arguments(text, platform) | {k: v.replace("$$", "$") for k, v in first.args.items()},
            )
        )
    return found


def for_engine(build: Build) -> tuple[str, tuple[int, ...]]:
    """Return a Dockerfile as the engine's builder gets it, and per instruction its line in the submission (0: ours).

    Stages that the target does not need lose their instructions, since this builder makes all that stand above it;
    they keep their place, for stages may be meant by number.
    """
    needed = _needed(build.text, build.target)
    numbered = [(n, line) for n, line in enumerate(build.text.splitlines(), 1) if line]
    directives = [line for _, line in numbered if line.startswith("#")]
    instructions = [(n, line) for n, line in numbered if not line.startswith("#")]
    if build.lines:
        instructions = [(own, line) for own, (_, line) in zip(build.lines, instructions, strict=True)]
    stage = -1
    kept: list[tuple[int, str]] = []
    for number, line in instructions:
        if _STAGE.match(line):
            stage += 1
            kept += [(number, line), (0, f"LABEL {LAYER_LABEL}=1")]
        elif stage < 0 or stage in needed:
            kept.append((number, line))
    return "\n".join([*directives, *(line for _, line in kept)]) + "\n", tuple(number for number, _ in kept)


def _needed(text: str, target: str) -> set[int]:
    """Return the numbers of the stages that the target grows from or copies from, however far."""
    names: list[str] = []
    wants: list[set[str]] = []
    for line in text.splitlines():
        if match := _STAGE.match(line):
            names.append((match["name"] or "").lower())
            wants.append({match["base"].lower()})
        elif (match := _FROM_STAGE.match(line)) and wants:
            wants[-1].add(match["stage"].lower())

    def number(name: str, before: int) -> int | None:
        if name.isdigit():
            return int(name) if int(name) < before else None
        return next((i for i in range(before - 1, -1, -1) if names[i] == name), None)

    last = number(target.lower(), len(names)) if target else len(names) - 1
    waiting, found = [len(names) - 1 if last is None else last], set[int]()
    while waiting:
        stage = waiting.pop()
        if stage not in found and stage >= 0:
            found.add(stage)
            waiting += [n for name in wants[stage] if (n := number(name, stage)) is not None]
    return found


def base_images(jobs_: Sequence[Job]) -> list[str]:
    """Return the images that the Dockerfiles start from, without their own stages and what ARGs make up."""
    found: dict[str, None] = {}
    for job in jobs_:
        stages: set[str] = set()
        for line in job.text.splitlines():
            if match := _STAGE.match(line):
                if match["base"].lower() not in {*stages, "scratch"} and "$" not in match["base"]:
                    found[match["base"]] = None
                stages.add((match["name"] or "").lower())
    return list(found)


def failed(job: Job, output: Sequence[str], step: int, code: int | None, *, memory_mib: int) -> Finding:
    """Return the finding for a failed build. step: which instruction failed, from 1 (0: none began)."""
    build = job.build
    line = job.lines[step - 1] if 0 < step <= len(job.lines) else 0
    remedy = msg("Run docker compose build %(service)s in your project and read its last lines.", service=build.service)
    if code == _OUT_OF_MEMORY:
        remedy = msg("A step was killed: it may use %(n)s MiB of memory. Build with less at once.", n=memory_mib)
    return _finding(
        job,
        "build-failed",
        msg("The image of %(service)s does not build.", service=build.service),
        remedy,
        output,
        line,
    )


def too_slow(job: Job, output: Sequence[str], step: int, deadline_s: float) -> Finding:
    """Return the finding for builds that did not end in time."""
    return _finding(
        job,
        "build-timeout",
        msg("The images were not built within %(seconds)d s.", seconds=round(deadline_s)),
        msg("Install fewer things, and copy the list of dependencies before the code so that Docker can cache."),
        output,
        job.lines[step - 1] if 0 < step <= len(job.lines) else 0,
    )


def too_large(job: Job, output: Sequence[str], step: int, disk_mib: int) -> Finding:
    """Return the finding for a build that wrote more than it may."""
    return _finding(
        job,
        "build-disk",
        msg("The image of %(service)s needs more than %(n)s MiB of disk.", service=job.build.service, n=disk_mib),
        msg("Install and copy less; remove what was downloaded in the same RUN."),
        output,
        job.lines[step - 1] if 0 < step <= len(job.lines) else 0,
    )


def _finding(job: Job, code: str, message: Text, remedy: Text, output: Sequence[str], line: int) -> Finding:
    lines = [text.rstrip() for text in output if text.strip() and not _NOISE.match(text)]
    return Finding(
        code=code,
        severity="error",
        message=message,
        file=job.build.dockerfile,
        line=line,
        path=f"services.{job.build.service}.build",
        remedy=remedy,
        detail=tuple(lines[-_DETAIL_LINES:]),
    )


def _ignore(workspace: Path, build: Build) -> bytes | None:
    """Return the .dockerignore that counts: the Dockerfile's own, else the context's."""
    context = inside(workspace, build.context)
    for path in (workspace / f"{build.dockerfile}{_IGNORE}", context / _IGNORE):
        if path.is_file() and not path.is_symlink():
            return path.read_bytes()
    return None


def _patterns(ignore: bytes | None) -> tuple[str, ...]:
    lines = (ignore or b"").decode("utf-8-sig", "replace").splitlines()
    patterns = [line.strip() for line in lines]
    return tuple(p for p in patterns if p and not p.startswith("#"))[:_MAX_PATTERNS]


def _platform_arguments(text: str, platform: tuple[str, str]) -> dict[str, str]:
    """Return values for the platform's arguments that a Dockerfile declares; newer builders know them by themselves."""
    system, architecture = platform
    values = {"PLATFORM": f"{system}/{architecture}", "OS": system, "ARCH": architecture}
    declared = {word for line in text.splitlines() if line.startswith("ARG ") for word in line.split()[1:]}
    return {name: values[name.removeprefix("TARGET").removeprefix("BUILD")] for name in _PLATFORM if name in declared}


def _mode_of(path: str, modes: Sequence[tuple[str, int]]) -> int | None:
    """Return the mode that a COPY --chmod gives a file, None where none does."""
    own = PurePosixPath(path)
    for source, mode in modes:
        if source in {".", ""} or own == PurePosixPath(source) or PurePosixPath(source) in own.parents:
            return mode
        if own.match(source):
            return mode
    return None


def _add(archive: tarfile.TarFile, root: Path, relative: str, mode: int | None) -> None:
    """Add a file, folder or link of the context as root's; what is none of these stays behind."""
    path = root / relative
    entry = archive.gettarinfo(str(path), arcname=relative)
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
