"""A look at a submission before it is copied: what beside or in a folder tells that it is no source.

Build output is told by the tool's file beside it, a virtual environment by what lies in it, and old data of a container
by the compose file, which an archive may hold after the data.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from grader import scratch
from grader.intake import environments, links, names
from grader.intake.wrapper import enter_wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from grader.intake.limits import CopyLimits
    from grader.model.findings import Finding
    from grader.model.workspace import LeftBehind

    Find = Callable[[Path], Sequence[LeftBehind]]

Kind = Literal["folder", "file", "link"]
_TEXT_BYTES = 256 * 1024  # as much as a compose file may have
_TEXTS_BYTES = 4 * 1024 * 1024
# What says which folders a compose file binds where, and what the programs of its services are told.
_TELLING = re.compile(r"compose|docker|container|env|\.(?:ya?ml|conf|cnf|properties|ini)\Z", re.IGNORECASE)

_PROGRAM = re.compile(r"compose|dockerfile", re.IGNORECASE)
_DEPTH = 2  # of an archive: beside the report, or in a folder that lies beside it


class Survey:
    """What is known of a submission's names before the first is copied. find: tells old data from compose files."""

    def __init__(self, limits: CopyLimits, find: Find | None, tick: Callable[[], None]) -> None:
        """tick: raises when there is too much work."""
        self.limits = limits
        self._tick = tick
        self.find = find
        self.overflowed = False
        self._entries: dict[tuple[str, ...], Kind] = {}
        self._texts: dict[tuple[str, ...], bytes] = {}
        self._links: dict[PurePosixPath, str] = {}
        self._room = _TEXTS_BYTES
        self._siblings: dict[str, set[str]] = defaultdict(set)
        self._environments: dict[str, bool] = {}  # a virtual environment's key -> whether it holds nothing else
        self._data: set[str] = set()
        self._kept: set[str] = set()
        self._ways: set[str] = set()  # folders above what is kept
        self._sole: tuple[str, ...] = ()

    def see(self, parts: Sequence[str], kind: Kind, target: str = "") -> bool:
        """Note an entry; says whether its content is wanted (see `tell`)."""
        if not parts or any(names.left_out(part, ()) for part in parts[:-1]) or self._full():
            return False
        parts = tuple(unicodedata.normalize("NFC", part) for part in parts)
        for length in range(1, len(parts) + 1):
            self._siblings[names.key(parts[: length - 1])].add(parts[length - 1])
        self._entries[parts] = kind
        if kind == "link" and len(self._links) < self.limits.entries:
            self._links[PurePosixPath(*parts)] = unicodedata.normalize("NFC", target)
        return kind == "file" and self.find is not None and self._room > 0 and bool(_TELLING.search(parts[-1]))

    def tell(self, parts: Sequence[str], blocks: Iterable[bytes]) -> None:
        """Keep a small file's content; of a large one the beginning is read."""
        data = b""
        for block in blocks:
            data += block
            if len(data) > min(_TEXT_BYTES, self._room):
                return
        self._room -= len(data)
        self._texts[tuple(unicodedata.normalize("NFC", part) for part in parts)] = data

    def _full(self) -> bool:
        self.overflowed = self.overflowed or len(self._entries) >= self.limits.ignored_entries + self.limits.entries
        return self.overflowed

    def settle(self) -> list[Finding]:
        """Find out what is left out; returns what there is to say of it."""
        for key, beside in self._siblings.items():
            if environments.marked(beside, self._siblings.get(f"{key}/conda-meta".lstrip("/"), ())):
                self._environments[key] = bool(key) and environments.pure(beside)
        return self._find_data(self.find) if self.find else []

    def choose(self) -> list[str]:
        """Return the archives that a submission may be where no program lies unpacked; of one all else is left out."""
        files = self._files()
        if self.overflowed or any(_PROGRAM.search(parts[-1]) for parts in files):
            return []
        top = _shared_folders(files)
        packed = [parts for parts in files if parts[-1].lower().endswith(names.HANDED_IN)]
        packed = [parts for parts in packed if len(parts) - top <= _DEPTH]
        self._sole = packed[0] if len(packed) == 1 else ()
        return ["/".join(parts) for parts in sorted(packed)]

    def number(self) -> int:
        """Return how many files there are, without those that are left out by their names."""
        return len(self._files())

    def beside_archive(self, parts: Sequence[str]) -> bool:
        """Say whether this lies beside the only archive (a report, a picture)."""
        return bool(self._sole) and names.key(parts) != names.key(self._sole[: len(parts)])

    def _files(self) -> list[tuple[str, ...]]:
        return [
            parts
            for parts, kind in self._entries.items()
            if kind == "file" and not any(names.left_out(p, ()) or names.apple_double(p) for p in parts)
        ]

    def siblings(self, folder: Sequence[str]) -> Collection[str]:
        """Return the names within a folder."""
        return self._siblings.get(names.key(folder), ())

    def empty_folders(self) -> list[PurePosixPath]:
        """Return the folders in which nothing lies at all."""
        return [
            PurePosixPath(*parts)
            for parts, kind in self._entries.items()
            if kind == "folder" and not self.siblings(parts)
        ]

    def folders_with(self, name: str) -> list[PurePosixPath]:
        """Return the folders in which an entry of this name lies."""
        return [PurePosixPath(*parts[:-1]) for parts in self._entries if parts[-1] == name]

    def environment(self, parts: Sequence[str]) -> bool:
        """Say whether this is a virtual environment, or the part of one in which sources lie too."""
        if not self._environments:
            return False
        if self._environments.get(names.key(parts)):
            return True
        if self._environments.get(names.key(parts[:-1])) is False:
            return environments.part(parts[-1], self.siblings(parts))
        mixed = len(parts) > 1 and self._environments.get(names.key(parts[:-2])) is False
        return mixed and environments.library(parts[-2], parts[-1])

    def data(self, parts: Sequence[str], kind: Kind) -> bool:
        """Say whether this is old data: it lies in a folder that begins empty, and neither is kept nor leads there."""
        inside = False
        for length in range(1, len(parts) + 1) if self._data else ():
            key = names.key(parts[:length])
            if key in self._data:
                inside = length < len(parts) or kind != "folder"
            elif key in self._kept:
                inside = False
            else:
                inside = inside or names.key(parts[: length - 1]) in self._data
        return inside and names.key(parts) not in self._ways

    def closed(self, parts: Sequence[str]) -> bool:
        """Say whether this folder begins empty and nothing in it is kept: nobody need look into it."""
        key = names.key(parts)
        return key in self._data and key not in self._ways

    def _find_data(self, find: Find) -> list[Finding]:
        """Ask what is old data, of a copy that holds all names and the texts that tell."""
        if not any(parts[-1] in names.COMPOSE_FILES for parts in self._texts):
            return []
        with scratch.folder("survey") as folder:
            self._lay(folder)
            root = enter_wrapper(folder, self._links)
            above = root.relative_to(folder).parts
            found = find(root)
        self._data = {names.key((*above, *PurePosixPath(one.path).parts)) for one in found}
        for one in found:
            place = (*above, *PurePosixPath(one.path).parts)
            for kept in one.kept:
                self._keep(place, (*above, *PurePosixPath(kept).parts))
        return [one.finding for one in found]

    def _keep(self, folder: tuple[str, ...], kept: tuple[str, ...]) -> None:
        """Keep what is the student's own in a folder of data; where nobody may look into that, it is to be said."""
        key = names.key(kept)
        if key not in self._data and (kept in self._entries or not self.siblings(folder)):
            self._kept.add(key)
            self._ways |= {names.key(kept[:length]) for length in range(len(folder), len(kept))}

    def _lay(self, folder: Path) -> None:
        """Lay out the names below `folder`, those first of which the content is known; what cannot lie there is not."""
        files = [*self._texts, *(parts for parts, kind in self._entries.items() if kind != "link")]
        for parts in files[: self.limits.entries * 2]:
            self._tick()
            path = folder.joinpath(*parts)
            if any(map(names.odd, parts)) or len(parts) > self.limits.depth + 1:
                continue
            with contextlib.suppress(OSError):
                if self._entries[parts] == "folder":
                    path.mkdir(parents=True, exist_ok=True)
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with path.open("xb") as writer:
                        writer.write(self._texts.get(parts, b""))
        for link, target in self._links.items():  # last, so that nothing is written through one
            self._tick()
            unfit = links.absolute(target) or len(target) > links.TARGET_BYTES or any(map(names.odd, link.parts))
            if not unfit and links.resolve(self._links, link, PurePosixPath()) is not None:
                with contextlib.suppress(OSError, ValueError):
                    (folder / link).parent.mkdir(parents=True, exist_ok=True)
                    (folder / link).symlink_to(target)


def _shared_folders(files: Sequence[tuple[str, ...]]) -> int:
    """Return in how many folders all files lie together."""
    folders = [parts[:-1] for parts in files]
    least, most = min(folders, default=()), max(folders, default=())
    return next((at for at, (one, other) in enumerate(zip(least, most, strict=False)) if one != other), len(least))
