"""Building a submission's images: staged contexts, one build file, and what to say when a build fails."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.model.findings import Finding
from grader.model.text import msg
from grader.stack.emit import built_image, write
from grader.stack.objects import inside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grader.model.plan import Build

BUILD_FILE = "build.yaml"
_DETAIL_LINES = 40
# BuildKit's plain progress: the heading of the step that failed, and the complaint about a file it cannot read.
_FAILED_STEP = re.compile(r"^ > \[(?P<service>\S+)[^\]]*\] (?P<step>.*?):?$", re.MULTILINE)
_FAILED_PARSE = re.compile(r"dockerfile parse error (?:on )?line (?P<line>\d+)", re.IGNORECASE)
_FROM = re.compile(
    r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(?P<image>\S+)(?:[ \t]+AS[ \t]+(?P<stage>\S+))?", re.IGNORECASE | re.MULTILINE
)
_PROGRESS = re.compile(r"^#\d+ (?:[\d.]+ )?")


class Builds:
    """The builds of one stack; identical ones (several services of one folder) are made once and named for all."""

    def __init__(self, builds: Sequence[Build], *, project: str, stage: Path, workspace: Path) -> None:
        self._project = project
        self._stage = stage
        self._workspace = workspace
        self._groups: dict[tuple[Any, ...], list[Build]] = {}
        for build in builds:
            key = (build.context, build.text, build.target, tuple(sorted(build.args.items())))
            self._groups.setdefault(key, []).append(build)

    def __bool__(self) -> bool:
        return bool(self._groups)

    def stage(self, labels: Mapping[str, str]) -> Path:
        """Write contexts, Dockerfiles and the build file; return the build file."""
        services = {}
        for number, group in enumerate(self._groups.values()):
            build = group[0]
            folder = self._stage / "build" / str(number)
            context = inside(self._workspace, build.context)
            _copy(context, folder / "context")
            # Beside the context and not in it: it neither meets a file of that name nor ends in the image.
            (folder / "Dockerfile").write_text(build.text, "utf-8")
            ignore = self._workspace / f"{build.dockerfile}.dockerignore"
            if ignore.is_file() and not ignore.is_symlink():
                shutil.copyfile(ignore, folder / "Dockerfile.dockerignore")
            described: dict[str, Any] = {
                "context": _escaped(folder / "context"),
                "dockerfile": _escaped(folder / "Dockerfile"),
                "labels": dict(labels),
            }
            if build.target:
                described["target"] = build.target
            if build.args:
                described["args"] = dict(build.args)
            services[build.service] = {"image": built_image(self._project, build.service), "build": described}
        path = self._stage / BUILD_FILE
        write({"services": services}, path)
        return path

    def base_images(self) -> list[str]:
        """Return the images that the Dockerfiles start from, without their own stages and what ARGs make up."""
        found: dict[str, None] = {}
        for group in self._groups.values():
            stages: set[str] = set()
            for match in _FROM.finditer(group[0].text):
                if match["image"] not in {*stages, "scratch"} and "$" not in match["image"]:
                    found[match["image"]] = None
                stages.add(match["stage"])
        return list(found)

    def further_names(self) -> dict[str, list[str]]:
        """Return image built -> the other names it goes by."""
        names = {}
        for first, *others in self._groups.values():
            if others:
                names[built_image(self._project, first.service)] = [
                    built_image(self._project, other.service) for other in others
                ]
        return names

    def failure(self, output: str) -> Finding:
        """Return the finding for a failed build, with file and line of the failing step where they can be told."""
        first = next(iter(self._groups.values()))[0]
        by_service = {group[0].service: group[0] for group in self._groups.values()}
        step = _FAILED_STEP.search(output)
        build = by_service.get(step["service"], first) if step else first
        parse = _FAILED_PARSE.search(output)
        line = int(parse["line"]) if parse else 0
        if step:
            line = self._line_of(build, step["step"])
        return Finding(
            code="build-failed",
            severity="error",
            message=msg("The image of %(service)s does not build.", service=build.service),
            file=build.dockerfile,
            line=line,
            path=f"services.{build.service}.build",
            remedy=msg(
                "Run docker compose build %(service)s in your project and read its last lines.", service=build.service
            ),
            detail=_detail(output),
        )

    def timeout(self, output: str, deadline_s: float) -> Finding:
        """Return the finding for a build that did not end in time."""
        first = next(iter(self._groups.values()))[0]
        return Finding(
            code="build-timeout",
            severity="error",
            message=msg("The images were not built within %(seconds)d s.", seconds=round(deadline_s)),
            file=first.dockerfile,
            path=f"services.{first.service}.build",
            remedy=msg(
                "Install fewer things, and copy the list of dependencies before the code so that Docker can cache."
            ),
            detail=_detail(output),
        )

    def _line_of(self, build: Build, step: str) -> int:
        """Find a step in the student's own Dockerfile (ours may have fewer lines); 0 if it isn't there as such."""
        try:
            text = (self._workspace / build.dockerfile).read_text("utf-8", "replace")
        except OSError:
            text = build.text
        wanted = _words(step)
        for number, instruction in _instructions(text):
            if _words(instruction) == wanted:
                return number
        return 0


def _instructions(text: str) -> list[tuple[int, str]]:
    """Return (first line, text) of each instruction, with its continuation lines joined and comments dropped."""
    found: list[tuple[int, str]] = []
    joined, began = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not joined):
            continue
        began = began or number
        joined += line.rstrip()
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        found.append((began, joined))
        joined, began = "", 0
    return found


def _words(text: str) -> str:
    first, _, rest = " ".join(text.split()).partition(" ")
    return f"{first.upper()} {rest}"


def _detail(output: str) -> tuple[str, ...]:
    lines = [_PROGRESS.sub("", line).rstrip() for line in output.splitlines() if "COMPOSE_BAKE" not in line]
    return tuple([line for line in lines if line][-_DETAIL_LINES:])


def _escaped(path: Path) -> str:
    return str(path).replace("$", "$$")


def _copy(source: Path, target: Path) -> None:
    """Copy a context without following links; what is neither file, folder nor link stays behind."""

    def odd(folder: str, names: list[str]) -> set[str]:
        places = {name: Path(folder, name) for name in names}
        return {n for n, p in places.items() if not (p.is_symlink() or p.is_file() or p.is_dir())}

    shutil.copytree(source, target, symlinks=True, ignore=odd, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    # Nothing writes to either copy, so they may share their bytes.
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
