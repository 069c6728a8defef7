"""What of a submission's folders is bound where a broker or a database keeps its data, and what in them stays."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from grader.policy.stores import store_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from grader.brokers.store import Store
    from grader.policy.judged import Judged
    from grader.policy.scope import Project

_TOP = PurePosixPath()
_MOST = 64 << 10  # characters of one text
_SAID = 256 << 10  # of all texts about a service
_SPOKEN = 50
_WORD = re.compile(r"[\w./@-]+")
# A program's own files may be named as well, as what it is to write.
_CONFIGURATION = (
    ".conf", ".config", ".cfg", ".cnf", ".json", ".acl", ".yaml", ".yml", ".properties", ".sh", ".sql", ".lua", ".pem",
    ".crt", ".cert", ".key", ".ini", ".env", ".txt", ".xml",
)  # fmt: skip
_LONGEST = 500  # of a path that a text names


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
    return _Finder(project, services).find()


class _Finder:
    """What is bound in a submission, gathered once: a compose file may name many mounts of many services."""

    def __init__(self, project: Project, services: Mapping[str, Judged]) -> None:
        self._project = project
        self._stores = {name: store_of(_image(services, one)) for name, one in services.items()}
        self._services = services
        sources = {content.volume: PurePosixPath(content.source) for content in project.volume_contents}
        self._bound = {
            name: [
                _Bound(sources[mount["source"]], PurePosixPath(mount["target"]))
                for mount in one.emitted.get("volumes", [])
                if mount.get("source") in sources
            ]
            for name, one in services.items()
        }
        self._contexts = {PurePosixPath(build.context) for build in project.builds}
        self._elsewhere = {b.source for name, bound in self._bound.items() if not self._stores[name] for b in bound}
        self._named = _named(project)
        self._within: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
        for path in self._named:
            for above in path.parents:
                self._within[above].append(path)

    def find(self) -> Iterator[DataFolder]:
        for name, store in self._stores.items():
            if store is not None and self._bound[name]:
                yield from self._of_service(self._services[name], store)

    def _of_service(self, one: Judged, store: Store) -> Iterator[DataFolder]:
        said = _said(self._project, one.emitted)
        homes, whole = store.places(one.emitted.get("environment", {}), said)
        for bound in self._bound[one.name]:
            for path in self._data(store, bound, homes, whole):
                if path in self._named and path != bound.source:
                    continue
                kept = list(self._within.get(path, ()))
                if str(bound.target) in homes and path == bound.source:
                    kept += [inner for inner in _spoken(self._project, bound, said) if inner not in self._named]
                target = str(bound.target / path.relative_to(bound.source))
                yield DataFolder(path, one.name, target, tuple(kept))

    def _data(self, store: Store, bound: _Bound, homes: set[str], whole: set[str]) -> Iterator[PurePosixPath]:
        """Yield what is the program's own of what is bound: all of it, or what lies below where its data do."""
        source, target = bound.source, bound.target
        at = str(target)
        found = [
            source / PurePosixPath(place).relative_to(target)
            for place in sorted(homes | whole)
            if target in PurePosixPath(place).parents
        ]
        if at in homes or at in whole or any(PurePosixPath(place) in target.parents for place in whole):
            shared = self._shared(source, mixed=at in homes)
            found = [*found, *(source / name for name in store.own)] if shared else [source]
        yield from dict.fromkeys(found)

    def _shared(self, source: PurePosixPath, *, mixed: bool) -> bool:
        """Say whether a folder holds the program's data and other things that are needed, which nothing else names."""
        return source == _TOP or source in self._contexts or (mixed and source in self._elsewhere)


def _image(services: Mapping[str, Judged], one: Judged) -> str:
    """Return the image that a service runs, or that what it builds grows from."""
    image = str(one.emitted["image"])
    if not image.startswith("build:"):
        return image
    builder = services.get(image.removeprefix("build:"))
    return builder.build.root if builder and builder.build else ""


def _named(project: Project) -> set[PurePosixPath]:
    """Return what the compose file names otherwise: it is the student's own wherever it lies."""
    found = [project.file, *project.further_files, *project.file_sources, *project.env_files]
    found += [build.context for build in project.builds] + [build.dockerfile for build in project.builds]
    found += [content.source for content in project.volume_contents]
    return {PurePosixPath(path) for path in found}


def _said(project: Project, emitted: dict[str, Any]) -> list[str]:
    """Return the texts that steer a service: its command, variables and health check, and the files it is given."""
    found = [emitted.get("entrypoint", ""), emitted.get("command", ""), *emitted.get("environment", {}).values()]
    found += [emitted.get("healthcheck", {}).get("test", "")]
    found += [project.files.get(config["source"], "") for config in emitted.get("configs", [])]
    texts = [text if isinstance(text, str) else " ".join(map(str, text or ())) for text in found]
    room = _SAID
    kept = []
    for text in texts:
        kept.append(text[: min(_MOST, room)])
        room -= len(kept[-1])
    return kept


def _spoken(project: Project, bound: _Bound, said: Iterable[str]) -> Iterator[PurePosixPath]:
    """Yield the files within a bound folder that are spoken of: `redis-server /data/redis.conf`.

    A configuration that is found so may speak of others (its users, its definitions).
    """
    waiting, seen = list(said), set[PurePosixPath]()
    while waiting and len(seen) < _SPOKEN:
        for inner in dict.fromkeys(_inner(waiting.pop(), str(bound.target))):
            path = bound.source / inner
            file = project.root / path
            if path in seen or not file.is_file() or file.is_symlink():
                continue
            seen.add(path)
            yield path
            with file.open("rb") as reader:
                waiting.append(reader.read(_MOST).decode("utf-8", "replace"))


def _inner(text: str, target: str) -> Iterator[str]:
    """Yield the paths within `target` that a text names, absolute, or from there on (an image's working directory)."""
    for word in _WORD.findall(text):
        if not word.lower().rstrip(".").endswith(_CONFIGURATION) or len(word) > _LONGEST:
            continue
        path = posixpath.normpath(word.rstrip("."))
        if path.startswith(target + "/"):
            yield path.removeprefix(target + "/")
        elif not path.startswith(("/", "..")):
            yield path
