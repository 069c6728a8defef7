"""Mistakes of the course's own examples that a compose file shows by itself; each is explained, none refuses."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from grader import brokers
from grader.brokers.seen import Image, Mounted, Remark, Seen
from grader.model.text import msg
from grader.policy import variables
from grader.policy.image import parse
from grader.policy.scope import Project, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.policy.judged import Judged

_LOCALHOST = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]{0,20})://(?:[^\s@/]{0,200}@)?|://|@|^|,)"
    r"(?:localhost|127\.0\.0\.1)(?![\w-]|\.\w)(?::(?P<port>\d{1,5}))?",
    re.IGNORECASE,
)
# variables in which a service may well speak of itself: where it listens, its name, the quorum of a single node
_ITSELF = re.compile(r"LISTENER|BIND|QUORUM_|(HOST|NODE)_?NAME$", re.IGNORECASE)
_MAX_BYTES = 1 << 20  # of a file that is looked into


def lint(project: Project, services: dict[str, Judged]) -> None:
    """Look at every service that is started."""
    for name, one in services.items():
        scope = Scope(project, f"services.{name}", one.line, name)
        for remark in _remarks(_seen(scope, one)):
            at = _place(scope, one, remark)
            at.add(remark.severity, remark.code, remark.message, remark.remedy)


def _remarks(seen: Seen) -> Iterator[Remark]:
    for room in brokers.rooms().values():
        yield from (remark for look in room.broker.rules.lints if (remark := look(seen)))
    yield from _localhost_in_url(seen)
    yield from variables.remarks(seen)


def _seen(scope: Scope, one: Judged) -> Seen:
    image = parse(one.build.root if one.build else str(one.emitted["image"]))
    return Seen(
        name=one.name,
        role=scope.contract.role if scope.contract else "",
        image=Image(image.upstream, image.tag, image.name) if image else None,
        built=str(one.emitted["image"]).startswith("build:"),
        emitted=one.emitted,
        mounted=partial(_mounted, scope.project, one),
    )


def _place(scope: Scope, one: Judged, remark: Remark) -> Scope:
    """Return where something is said: at an attribute, at a name within it, or in a file of the submission."""
    for depth, name in enumerate(remark.at):
        scope = scope.at(name, 0 if depth else one.place(name))
    return scope.in_file(remark.file, remark.line) if remark.file else scope


def _mounted(project: Project, one: Judged, path: str) -> Mounted | None:
    """Return the file that the submission puts at a path of a service's containers, alone or with its folder."""
    for config in one.emitted.get("configs", []):
        if config["target"] == path:
            name = str(config["source"])
            return Mounted(
                next((file for file, own in project.file_sources.items() if own == name), ""),
                project.files.get(name, ""),
            )
    folder, _, file_name = path.rpartition("/")
    for mount in one.emitted.get("volumes", []):
        content = next((f for f in project.volume_contents if f.volume == mount.get("source")), None)
        if content and mount["target"].rstrip("/") == folder:
            file = project.root / content.source / file_name
            if file.is_file() and not file.is_symlink() and file.stat().st_size <= _MAX_BYTES:
                return Mounted(file.relative_to(project.root).as_posix(), file.read_text("utf-8", "replace"))
    return None


def _localhost_in_url(seen: Seen) -> Iterator[Remark]:
    """Within a container localhost is that container, not the broker's."""
    for name, text in seen.environment.items():
        found = _LOCALHOST.search(text)
        if found and not _ITSELF.search(name):
            yield Remark(
                code="localhost-in-url",
                message=msg(
                    "%(name)s of %(service)s points to localhost, which is the container itself.",
                    name=name,
                    service=seen.name,
                ),
                remedy=msg(
                    "Use the name of the service that is meant, as in %(url)s.",
                    url=_example(name, found["scheme"] or "", found["port"] or ""),
                ),
                at=("environment", name),
            )


def _example(variable: str, scheme: str, port: str) -> str:
    """Return how others write the address of what is meant, by its scheme, its port or the variable's name."""
    known = [room.broker for room in brokers.rooms().values() if room.broker.rules.url]
    schemes = {b.rules.url.partition("://")[0]: b.rules.url for b in known if "://" in b.rules.url}
    # rediss, amqps and postgresql mean the same as the shorter word
    of_scheme = (url for begin, url in schemes.items() if scheme.lower().startswith(begin))
    of_port = (b.rules.url for b in known if port == str(b.port))
    of_name = (b.rules.url for b in known if b.role in variable.lower())
    return next((url for found in (of_scheme, of_port, of_name) for url in found), "http://api:3000")
