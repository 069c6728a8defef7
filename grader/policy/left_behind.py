"""Folders that a container left behind: what is bound where a broker or a database keeps its data.

At home such a folder belongs to the container's user and holds the data of an earlier run. Neither can be carried to
another machine (RabbitMQ refuses a cookie that others may read, PostgreSQL a cluster of another user), so it begins
empty, as it did when the student started the program first.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from grader.errors import SubmissionRefusedError
from grader.model.findings import Finding
from grader.model.text import msg
from grader.model.workspace import LeftBehind, Workspace
from grader.policy.judge import Judgement, read
from grader.policy.stores import Store, store_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from grader.policy.scope import Catalogue, Project
    from grader.policy.service import Judged

_TOP = PurePosixPath()


class _Bound(msgspec.Struct, frozen=True):
    """A folder of the submission that a service sees at `target`."""

    source: PurePosixPath
    target: PurePosixPath


def left_behind(root: Path, catalogue: Catalogue) -> tuple[LeftBehind, ...]:
    """Return the folders below `root` (a submission, or as much of it as its compose files name) that hold old data.

    What is wrong with the submission is not said: `judge` says it.
    """
    try:
        judgement = read(Workspace(root=str(root), name=""), None, catalogue)
    except SubmissionRefusedError:
        return ()
    found: dict[str, LeftBehind] = {}
    for one, _ in judgement.services.values():
        for folder in _of_service(judgement, one):
            first = found.setdefault(folder.path, folder)
            if first is not folder:  # bound to two services: what either needs is kept
                found[folder.path] = msgspec.structs.replace(first, kept=tuple({*first.kept, *folder.kept}))
    return tuple(found.values())


def _of_service(judgement: Judgement, one: Judged) -> Iterator[LeftBehind]:
    project = judgement.project
    store = store_of(_image(judgement, one))
    if store is None:
        return
    said = list(_said(project, one.emitted))
    homes, whole = store.places(one.emitted.get("environment", {}), said)
    named = _named(project)
    for bound in _bound(project, one):
        for path in _data(judgement, store, bound, homes, whole, named):
            if not (project.root / path).exists() or (project.root / path).is_symlink():
                continue
            mixed = str(bound.target) in homes and path == bound.source
            kept = [other for other in named if path in other.parents]
            kept += [inner for inner in (_spoken(project, bound, said) if mixed else ()) if inner not in named]
            finding = Finding(
                code="data-left-behind",
                severity="notice",
                file=str(path),
                path=f"services.{one.name}.volumes",
                message=msg(
                    "%(folder)s is where %(service)s keeps its data (%(target)s): %(service)s begins without what an "
                    "earlier run left there.",
                    folder=str(path), service=one.name, target=str(bound.target / path.relative_to(bound.source)),
                ),
            )  # fmt: skip
            yield LeftBehind(path=str(path), kept=tuple(map(str, kept)), finding=finding)


def _image(judgement: Judgement, one: Judged) -> str:
    """Return the image that a service runs, or that what it builds grows from."""
    image = str(one.emitted["image"])
    if not image.startswith("build:"):
        return image
    builder = judgement.services.get(image.removeprefix("build:"))
    build = builder[0].build if builder else None
    return build.root if build else ""


def _bound(project: Project, one: Judged) -> Iterator[_Bound]:
    sources = {fill.volume: fill.source for fill in project.fills}
    for mount in one.emitted.get("volumes", []):
        if mount.get("source") in sources:
            yield _Bound(PurePosixPath(sources[mount["source"]]), PurePosixPath(mount["target"]))


def _data(
    judgement: Judgement, store: Store, bound: _Bound, homes: set[str], whole: set[str], named: set[PurePosixPath]
) -> Iterator[PurePosixPath]:
    """Yield the folders (or files) of the submission that are the program's own in what is bound."""
    source, target = bound.source, bound.target
    at = str(target)
    candidates = [
        source / PurePosixPath(place).relative_to(target)
        for place in homes | whole
        if target in PurePosixPath(place).parents
    ]
    if at in homes or at in whole or any(PurePosixPath(place) in target.parents for place in whole):
        if _shared(judgement, source, mixed=at in homes):
            candidates += [source / name for name in store.own]
        else:
            candidates = [source]
    yield from dict.fromkeys(path for path in candidates if path not in named or path == source)


def _shared(judgement: Judgement, source: PurePosixPath, *, mixed: bool) -> bool:
    """Say whether a folder holds the program's data and other things that are needed, which nothing else names."""
    if source == _TOP or any(build.context == str(source) for build in judgement.project.builds):
        return True
    others = [one for one, _ in judgement.services.values() if store_of(_image(judgement, one)) is None]
    return mixed and any(bound.source == source for one in others for bound in _bound(judgement.project, one))


def _named(project: Project) -> set[PurePosixPath]:
    """Return what the compose file names otherwise: it is the student's own wherever it lies."""
    found = [project.file, *project.further_files, *project.file_sources, *project.env_files]
    found += [build.context for build in project.builds] + [build.dockerfile for build in project.builds]
    found += [fill.source for fill in project.fills]
    return {PurePosixPath(path) for path in found}


def _said(project: Project, emitted: dict[str, Any]) -> Iterator[str]:
    """Yield the texts that steer a service: its command, variables and health check, and the files it is given."""
    for attribute in ("entrypoint", "command"):
        value = emitted.get(attribute)
        if value:
            yield value if isinstance(value, str) else " ".join(map(str, value))
    yield from map(str, emitted.get("environment", {}).values())
    test = emitted.get("healthcheck", {}).get("test", ())
    yield test if isinstance(test, str) else " ".join(map(str, test))
    for config in emitted.get("configs", []):
        yield project.files.get(config["source"], "")


def _spoken(project: Project, bound: _Bound, said: Iterable[str]) -> Iterator[PurePosixPath]:
    """Yield the files within a bound folder that are spoken of: `redis-server /data/redis.conf`.

    A configuration that is found so may speak of others (its users, its definitions).
    """
    waiting, seen = list(said), set[PurePosixPath]()
    while waiting:
        for inner in _inner(waiting.pop(), str(bound.target)):
            path = bound.source / inner
            file = project.root / path
            if path in seen or not file.is_file() or file.is_symlink():
                continue
            seen.add(path)
            yield path
            with file.open("rb") as reader:
                waiting.append(reader.read(_MOST).decode("utf-8", "replace"))


_MOST = 64 << 10
# A program's own files may be named as well, as what it is to write.
_CONFIGURATION = re.compile(
    r"[\w./@-]+\.(?:conf|config|cfg|cnf|json|acl|ya?ml|properties|sh|sql|lua|pem|crt|cert|key|ini|env|txt|xml)(?![\w.])"
)


def _inner(text: str, target: str) -> Iterator[str]:
    """Yield the paths within `target` that a text names, absolute, or from there on (an image's working directory)."""
    for word in _CONFIGURATION.findall(text):
        path = posixpath.normpath(word)
        if path.startswith(target + "/"):
            yield path.removeprefix(target + "/")
        elif not path.startswith(("/", "..")):
            yield path
