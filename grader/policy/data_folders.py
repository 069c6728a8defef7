"""What of a submission's folders is bound where a broker or a database keeps its data, and what in them stays."""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from grader.policy.stores import Store, store_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from grader.policy.scope import Project
    from grader.policy.service import Judged

_TOP = PurePosixPath()


class DataFolder(msgspec.Struct, frozen=True):
    """A folder (or file) of the submission that is a program's own. kept: what in it is the student's own."""

    path: PurePosixPath
    service: str
    target: str
    kept: tuple[PurePosixPath, ...]


class _Bound(msgspec.Struct, frozen=True):
    """A folder of the submission that a service sees at `target`."""

    source: PurePosixPath
    target: PurePosixPath


def data_folders(project: Project, services: Mapping[str, Judged]) -> Iterator[DataFolder]:
    """Yield what the services' brokers and databases have for their data, whether it is in the submission or not."""
    for one in services.values():
        store = store_of(_image(services, one))
        if store is not None:
            yield from _of_service(project, services, one, store)


def _of_service(project: Project, services: Mapping[str, Judged], one: Judged, store: Store) -> Iterator[DataFolder]:
    said = list(_said(project, one.emitted))
    homes, whole = store.places(one.emitted.get("environment", {}), said)
    named = _named(project)
    for bound in _bound(project, one):
        shared = _shared(project, services, bound.source, mixed=str(bound.target) in homes)
        for path in _data(store, bound, homes, whole, shared=shared):
            if path in named and path != bound.source:
                continue
            mixed = str(bound.target) in homes and path == bound.source
            kept = [other for other in named if path in other.parents]
            kept += [inner for inner in (_spoken(project, bound, said) if mixed else ()) if inner not in named]
            target = str(bound.target / path.relative_to(bound.source))
            yield DataFolder(path, one.name, target, tuple(kept))


def _image(services: Mapping[str, Judged], one: Judged) -> str:
    """Return the image that a service runs, or that what it builds grows from."""
    image = str(one.emitted["image"])
    if not image.startswith("build:"):
        return image
    builder = services.get(image.removeprefix("build:"))
    return builder.build.root if builder and builder.build else ""


def _bound(project: Project, one: Judged) -> Iterator[_Bound]:
    sources = {fill.volume: fill.source for fill in project.fills}
    for mount in one.emitted.get("volumes", []):
        if mount.get("source") in sources:
            yield _Bound(PurePosixPath(sources[mount["source"]]), PurePosixPath(mount["target"]))


def _data(store: Store, bound: _Bound, homes: set[str], whole: set[str], *, shared: bool) -> Iterator[PurePosixPath]:
    """Yield what is the program's own of what is bound: all of it, or what lies below where its data do."""
    source, target = bound.source, bound.target
    at = str(target)
    found = [
        source / PurePosixPath(place).relative_to(target)
        for place in homes | whole
        if target in PurePosixPath(place).parents
    ]
    if at in homes or at in whole or any(PurePosixPath(place) in target.parents for place in whole):
        found = [*found, *(source / name for name in store.own)] if shared else [source]
    yield from dict.fromkeys(found)


def _shared(project: Project, services: Mapping[str, Judged], source: PurePosixPath, *, mixed: bool) -> bool:
    """Say whether a folder holds the program's data and other things that are needed, which nothing else names."""
    if source == _TOP or any(build.context == str(source) for build in project.builds):
        return True
    others = [one for one in services.values() if store_of(_image(services, one)) is None]
    return mixed and any(bound.source == source for one in others for bound in _bound(project, one))


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
