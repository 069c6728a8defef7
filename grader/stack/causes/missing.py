"""Files that a build does not have: hidden by .dockerignore, not copied, called otherwise, or not handed in."""

from __future__ import annotations

import difflib
import fnmatch
import posixpath
import re
from typing import TYPE_CHECKING

from grader import dockerignore
from grader.model.text import Text, msg
from grader.stack.causes.cause import Cause, Sources, is_small
from grader.stack.causes.cause import words as words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from grader.model.plan import Build

_NPM = ("package-lock.json", "npm-shrinkwrap.json")
# What builders and package managers say of a file that they do not have; its name, where the words do not give it.
_SAID: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"COPY failed: .*?\bstat (?P<name>.+?): (?:file does not exist|no such file or directory)"), ()),
    (re.compile(r"COPY failed: no source files were specified"), ()),
    (re.compile(r"npm ci.{0,3} command can only install with an existing package-lock"), _NPM),
    (re.compile(r"ERR_PNPM_NO_LOCKFILE"), ("pnpm-lock.yaml",)),
    (
        re.compile(r"(?:Your lockfile needs to be updated|lockfile would have been created by this install)"),
        ("yarn.lock",),
    ),
    (re.compile(r"Could not open requirements file: .*No such file or directory: ['\"](?P<name>[^'\"]+)"), ()),
    (re.compile(r"ENOENT: no such file or directory, open ['\"](?P<name>[^'\"]*/package\.json)['\"]"), ()),
    (re.compile(r"missing go\.sum entry"), ("go.sum",)),
    (re.compile(r"go: (?:go\.mod file not found|cannot find main module)"), ("go.mod",)),
    (re.compile(r"there is no POM in this directory"), ("pom.xml",)),
)
_LINE_CHARS = 500
# What programs and the engine say of the file that a container was to run.
_NOT_THERE = (
    re.compile(r"can't open file ['\"](?P<name>[^'\"]+)['\"]: \[Errno 2\]"),
    re.compile(r"Cannot find module ['\"](?P<name>/[^'\"]+)['\"]"),
    re.compile(r"Unable to access jarfile (?P<name>\S+)"),
    re.compile(r'\bexec: "(?P<name>[^"]+)": (?:stat \S+: no such file|executable file not found)'),
    re.compile(r"^\S*sh: (?:\d+: |line \d+: )?(?:can't open|cannot open) ['\"]?(?P<name>[^\s'\":]+)"),
)
_RUNS = re.compile(r"\s*(?:CMD|ENTRYPOINT)\b", re.IGNORECASE)
_OURS = re.compile(r"^\.grader/[0-7]{4}/")  # where a copy with a mode of its own lies in the context
_WILD = re.compile(r"[*?\[]")


def cause(words: Sequence[str], sources: Sources, build: Build, instruction: str, line: int) -> Cause | None:
    """Return which file a step of a build lacks and why, None where its words or the files say nothing of one.

    words: what the step said. instruction: its text. line: where it stands in the Dockerfile.
    """
    if "--from=" in instruction:
        return None  # of another stage or image, whose files nobody has here
    for said in words:
        for pattern, names in _SAID:
            if match := pattern.search(said[:_LINE_CHARS]):
                named = [_OURS.sub("", match["name"])] if "name" in match.groupdict() else names
                wanted = [*named, *_globs(instruction, named)]
                return _looked_up(sources, build, wanted, instruction, line) if wanted else None
    return None


def started(words: Iterable[str], sources: Sources, service: str) -> Cause | None:
    """Return why the file that a container was to run is not in its image, None where nothing shows it."""
    build = sources.build(service)
    if build is None:
        return None
    line = max((n for n, text in enumerate(sources.dockerfile(build), 1) if _RUNS.match(text)), default=0)
    for said in words:
        for match in filter(None, (pattern.search(said[:_LINE_CHARS]) for pattern in _NOT_THERE)):
            own = posixpath.basename(match["name"])
            present = sources.present(build)
            same = [path for path in present if posixpath.basename(path) == own]
            if same:
                return _hidden_or_not_copied(sources, build, same, line)
            otherwise = [path for path in present if posixpath.basename(path).lower() == own.lower()]
            if otherwise:
                return Cause(
                    message=msg("%(name)s is not in the image of %(service)s.", name=match["name"], service=service),
                    remedy=_by_its_letters(otherwise[0], build, line),
                    file=build.dockerfile,
                    line=line,
                )
    return None


def _by_its_letters(near: str, build: Build, line: int) -> Text:
    return msg(
        "Write %(near)s in line %(line)d of %(file)s, as the file is called: Linux tells capital letters apart.",
        near=near,
        line=line,
        file=build.dockerfile,
    )


def _globs(instruction: str, names: Iterable[str]) -> list[str]:
    """Return what a COPY without any match names, where nothing else says it."""
    return [] if names else [word for word in words_of(instruction)[1:-1] if not word.startswith("--")]


def _looked_up(sources: Sources, build: Build, wanted: Sequence[str], instruction: str, line: int) -> Cause | None:
    """Return what became of a file that a step lacks, under whichever of its names the submission has it."""
    context, present = sources.folder(build), sources.present(build)
    if not instruction.upper().startswith(("COPY", "ADD")):
        names = {posixpath.basename(name) for name in wanted}
        same = [path for path in present if posixpath.basename(path) in names]
        return _hidden_or_not_copied(sources, build, same, line) or (None if same else _absent(build, wanted[0], line))
    for name in wanted:
        own = posixpath.normpath(name.lstrip("/"))
        if same := [path for path in present if _means(own, path)]:
            return next((hidden for path in same if (hidden := _hidden(sources, build, context, path))), None)
    own = posixpath.normpath(wanted[0].lstrip("/"))
    further = [path for path in present if path not in words_of(instruction)]
    otherwise = _called_otherwise(build, own, further, line) or _elsewhere(sources, build, own, line)
    return otherwise or _absent(build, own, line)


def _hidden_or_not_copied(sources: Sources, build: Build, same: Sequence[str], line: int) -> Cause | None:
    """Return why a file of the context is not in the image when a command needs it; None if it seems to be there."""
    context = sources.folder(build)
    for path in same:
        if hidden := _hidden(sources, build, context, path):
            return hidden
        if not sources.copied(context / path, build):
            return Cause(
                message=msg("%(name)s is not copied into the image of %(service)s.", name=path, service=build.service),
                remedy=msg(
                    "Write above line %(line)d of %(file)s: COPY %(name)s ./",
                    line=line,
                    file=build.dockerfile,
                    name=path,
                ),
                file=build.dockerfile,
                line=line,
            )
    return None


def _means(wanted: str, path: str) -> bool:
    parents = [path, *(path[:n] for n, character in enumerate(path) if character == "/")]
    return wanted in parents or (bool(_WILD.search(wanted)) and fnmatch.fnmatchcase(path, wanted))


def _hidden(sources: Sources, build: Build, context: Path, path: str) -> Cause | None:
    """Return the line of .dockerignore that hides a file of the context."""
    ignore = dockerignore.find(sources.root / build.dockerfile, context)
    if ignore is None or not is_small(ignore):
        return None
    try:
        culprit = dockerignore.read(ignore.read_bytes()).hides(path)
    except dockerignore.IgnoreError:
        return None
    if culprit is None:
        return None
    name = sources.relative(ignore)
    return Cause(
        message=msg(
            "%(path)s is kept out of the build of %(service)s by %(file)s.", path=path, service=build.service, file=name
        ),
        remedy=msg(
            "Remove line %(line)d of %(file)s (%(pattern)s), or write behind it: !%(path)s",
            line=culprit.line,
            file=name,
            pattern=culprit.text[:80],
            path=path,
        ),
        file=name,
        line=culprit.line,
    )


def _called_otherwise(build: Build, own: str, present: Sequence[str], line: int) -> Cause | None:
    near = next((path for path in present if path.lower() == own.lower()), None)
    if near:
        remedy = _by_its_letters(near, build, line)
    elif close := difflib.get_close_matches(own, present, n=1, cutoff=0.85):
        remedy = msg(
            "Write %(near)s in line %(line)d of %(file)s, if that is meant.",
            near=close[0],
            line=line,
            file=build.dockerfile,
        )
    else:
        return None
    return Cause(message=_no_file(build, own), remedy=remedy, file=build.dockerfile, line=line)


def _elsewhere(sources: Sources, build: Build, own: str, line: int) -> Cause | None:
    """Return where else in the submission a file of this name lies."""
    found = sources.named(posixpath.basename(own), build)
    if not found:
        return None
    return Cause(
        message=_no_file(build, own),
        remedy=msg(
            "It lies at %(path)s, and COPY begins in the folder %(context)s: put it there, or write its path from "
            "there.",
            path=sources.relative(found[0]),
            context=build.context,
        ),
        file=build.dockerfile,
        line=line,
    )


def _absent(build: Build, name: str, line: int) -> Cause:
    own = posixpath.basename(name)
    remedy = msg("Hand it in too, or take it out of line %(line)d of %(file)s.", line=line, file=build.dockerfile)
    if own in _NPM:
        remedy = msg("Hand in %(name)s (npm install writes it), or write npm install instead of npm ci.", name=own)
    return Cause(message=_no_file(build, name), remedy=remedy, file=build.dockerfile, line=line)


def _no_file(build: Build, name: str) -> Text:
    return msg(
        "The build of %(service)s needs %(name)s, which is not in its folder (%(context)s).",
        service=build.service,
        name=name[:120],
        context=build.context,
    )
