"""The catalogue of images that submissions may name: data and look-up, no Docker.

A name is normalised before it is looked up: the default registry's prefix goes, a missing tag is `latest`, a digest is
kept apart.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import yaml

from grader import paths
from grader.brokers.registry import rooms
from grader.brokers.whole import IMAGES
from grader.errors import UsageError
from grader.model.text import msg

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["broker", "database", "language", "base"]

LOCAL = "grader.local/"  # the namespace of what is built here: never an upstream name
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a fifth of the time
_DEFAULT_REGISTRY = re.compile(r"^(?:(?:index\.)?docker\.io/)?(?:library/)?(?=[^/]+$)")
_REGISTRY = re.compile(r"^[^/]*[.:][^/]*/|^library/")
_NAME = re.compile(
    r"(?P<path>(?:[a-z0-9][a-z0-9.-]*(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_LOCAL_ID = re.compile(r"(?:sha256(?::[0-9a-f]+)?|[0-9a-f]{12,64})(?::.*)?")


class ImageName(msgspec.Struct, frozen=True):
    """An image name in its parts: "rabbitmq", "3-management", "" or "sha256:…"."""

    path: str
    tag: str
    digest: str = ""

    def __str__(self) -> str:
        """Return the normalised name, with the digest when there is one."""
        return f"{self.path}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


class Equivalent(msgspec.Struct, frozen=True, kw_only=True):
    """How an equivalent is built: see the comment in catalog.yaml. `name` is its own key there."""

    recipe: str
    version: str
    name: str = ""
    suite: str = ""
    base: str = ""
    uses: dict[str, str] = {}
    args: dict[str, str] = {}
    differs: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """What the engine is told: a name of its own, which never takes an upstream tag."""
        return LOCAL + self.name


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalogue says of one name; `equivalent` is None for what can only be pulled.

    A name with a digest asks for one image and no other, so it has no equivalent.
    """

    name: str
    upstream: str
    tag: str
    kind: Kind
    digest: str = ""
    equivalent: Equivalent | None = None


class _Tag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    match: str
    equivalent: str = ""


class _Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Kind
    nearest: str
    tags: tuple[_Tag, ...]
    aliases: tuple[str, ...] = ()


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole catalogue; `prepared` are the names that set-up gets ready, `watched` see catalog.yaml."""

    images: dict[str, _Upstream]
    equivalents: dict[str, Equivalent] = {}
    prepared: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()

    def find(self, name: str) -> Entry | None:
        """Return the entry for a name as a submission wrote it, or None when the catalogue does not have it."""
        parsed = parse(name)
        if parsed is None or (upstream := self.images.get(parsed.path)) is None:
            return None
        for tag in upstream.tags:
            if re.fullmatch(tag.match, parsed.tag):
                stand_in = self.equivalents[tag.equivalent] if tag.equivalent and not parsed.digest else None
                return Entry(
                    name=str(parsed),
                    upstream=parsed.path,
                    tag=parsed.tag,
                    kind=upstream.kind,
                    digest=parsed.digest,
                    equivalent=stand_in,
                )
        return None

    def nearest(self, name: str) -> str | None:
        """Return the name nearest to `name` by what it is, or None; one that can be built here, never "latest".

        "bitnami/rabbitmq" gives "rabbitmq:4-management", "zookeeper:3.8" gives "confluentinc/cp-zookeeper:7.9.0",
        "node:20-alpin" gives "node:20-alpine". A program beside Kafka ("kafka-ui") is no Kafka.
        """
        parsed = parse(name) or parse(name.lower())
        path, tag = (parsed.path, parsed.tag) if parsed else (name.lower(), "latest")
        upstream = self._nearest_upstream(path)
        if upstream is None:
            return None
        known = [e.tag for each in self.equivalents if (e := self.find(each)) and e.upstream == upstream]
        return f"{upstream}:{_nearest_tag(tag, known, self.images[upstream].nearest)}"

    def _nearest_upstream(self, path: str) -> str | None:
        """Return what `path` is: by its whole name, else by its last word, whoever publishes it, else by a slip."""
        path = _REGISTRY.sub("", path)
        names = {alias: name for name, image in self.images.items() for alias in (name, *image.aliases)}
        last = path.rpartition("/")[2]
        for written in (path, last):
            if written in names:
                return names[written]
        owned = [each for each in names if ("/" in each) == ("/" in path)]
        close = difflib.get_close_matches(path, owned, n=1, cutoff=0.8)
        return names[close[0]] if close else None


def _nearest_tag(tag: str, known: list[str], default: str) -> str:
    """Return the tag of `known` that is most like `tag`: of its major version, then of its kind, then of its minor."""
    numbers, words = _parts(tag)
    vocabulary = {word for each in known for word in _parts(each)[1]}
    kind = {close[0] for word in words if (close := difflib.get_close_matches(word, vocabulary, n=1, cutoff=0.75))}
    if not numbers and not kind:
        return default
    if "jdk" in vocabulary and not kind & {"jdk", "jre"}:
        kind.add("jdk")  # what an image of Java is that does not say which
    wanted = numbers or _parts(default)[0]

    def distance(candidate: str) -> tuple[object, ...]:
        theirs, others = _parts(candidate)
        away = [abs(theirs[n] - number) if n < len(theirs) else 0 for n, number in enumerate(wanted)]
        newest = tuple(-number for number in theirs)
        # of another major version, the minor one says nothing
        return away[0], len(kind ^ others), [] if away[0] else away[1:], candidate != default, newest

    return min(known, key=distance, default=default)


def _parts(tag: str) -> tuple[tuple[int, ...], set[str]]:
    """Return a tag's version, and the words behind it without their own versions ("alpine3.20" is "alpine")."""
    version = re.match(r"v?(\d+(?:\.\d+)*)(?![\w.])", tag)
    numbers = tuple(map(int, version[1].split("."))) if version else ()
    words = tag[version.end() if version else 0 :].split("-")
    return numbers, {re.sub(r"(?<=[a-z])[\d.]+$", "", word) for word in words if word}


def parse(name: str) -> ImageName | None:
    """Return the parts of an image name, or None when it is not well-formed (a local id is not a name)."""
    short = _DEFAULT_REGISTRY.sub("", name.strip().removeprefix("docker.io/"))
    matched = _NAME.fullmatch(short)
    if matched is None or _LOCAL_ID.fullmatch(short):
        return None
    return ImageName(matched["path"], matched["tag"] or "latest", matched["digest"] or "")


@functools.cache
def load() -> Catalogue:
    """Return the catalogue that ships with the grader, with what the rooms of all brokers and databases add to it."""
    files = [paths.PACKAGE / "images" / "catalog.yaml"]
    files += [room.folder / IMAGES for room in rooms().values() if room.broker.images]
    parts = [_read(file) for file in files]
    found = Catalogue(
        images={name: image for part in parts for name, image in part.images.items()},
        equivalents={name: equivalent for part in parts for name, equivalent in part.equivalents.items()},
        prepared=tuple(name for part in parts for name in part.prepared),
        watched=tuple(sorted({program for part in parts for program in part.watched})),
    )
    _check(found, files, parts)
    return found


def _read(file: Path) -> Catalogue:
    try:
        data = yaml.load(file.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
        for name, equivalent in data.get("equivalents", {}).items():
            equivalent["name"] = name
        return msgspec.convert(data, Catalogue)
    except (yaml.YAMLError, msgspec.ValidationError, AttributeError, TypeError) as error:
        raise UsageError(
            msg(
                "%(file)s is no catalogue of images: %(error)s. grader/images/catalog.yaml says what stands in one.",
                file=str(file),
                error=str(error),
            )
        ) from error


def _check(whole: Catalogue, files: list[Path], parts: list[Catalogue]) -> None:
    """Check that no two files have the same name, and that what is named in one of them is somewhere."""
    for number, (file, part) in enumerate(zip(files, parts, strict=True)):
        twice = {name for other in parts[:number] for name in (*other.images, *other.equivalents)}
        twice &= {*part.images, *part.equivalents}
        named = {each.equivalent for image in part.images.values() for each in image.tags}
        named |= {name for each in part.equivalents.values() for name in (each.base, *each.uses.values())}
        for name in sorted(twice):
            raise UsageError(
                msg("%(file)s has %(name)s, which another catalogue has already: remove it.", file=str(file), name=name)
            )
        for name in sorted(named - {"", *whole.equivalents}):
            raise UsageError(
                msg(
                    "%(file)s names the equivalent %(name)s, which nobody describes: write it under equivalents:.",
                    file=str(file),
                    name=name,
                )
            )
