"""The compose files of a submission: the one it begins with, and those that this one extends or includes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.collect import Place
from grader.policy.document.nodes import Mapping, Node
from grader.policy.document.yaml_load import MAX_BYTES, YamlError, load
from grader.policy.files import inside, read_bytes, relative
from grader.policy.project import Replacement
from grader.policy.relocate import relocate_service

if TYPE_CHECKING:
    from grader.policy.scope import Project, Scope

MAX_FILES = 10
MAX_TOTAL = 2 * MAX_BYTES  # of all further files: each costs time to read
_REMOTE = re.compile(r"[a-z0-9+.-]+:|git@|github\.com/|[^/]*@|.*\.git(#|\Z)", re.IGNORECASE)


@dataclass(slots=True)
class Source:
    """One file: its name and folder in the submission ("" for the top), its variables, its tree as it was read.

    `base` is added to its lines (see `Project.line_offset`); `services` are its own, raw or with variables
    replaced as the file's part in the model demands.
    """

    name: str
    folder: str
    base: int
    tree: Mapping
    variables: dict[str, str]
    services: Mapping = field(default_factory=Mapping)
    taken: dict[str, Node] = field(default_factory=dict)
    model: Mapping | None = None  # with all that it includes
    whole: bool = False  # variables are replaced and paths relocated in all of `services`


class Sources:
    """Opens each file once, within limits of number and size."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, Source | None] = {}
        self._bytes = 0
        self.taken_over = 0  # values that services took over from others

    def open(self, at: Scope, text: str, folder: str, code: str) -> Source | None:
        """Return the file that `text` names as seen from `folder`; None after a complaint."""
        if _REMOTE.match(text) or text.startswith(("/", "~", "\\")) or self._outside(text, folder):
            at.error(
                code,
                msg("%(file)s is not a file of the submission.", file=text[:120] or '""'),
                msg("Put the file into the submission and name it relative to the compose file."),
            )
            return None
        path = inside(at, f"{folder}/{text}" if folder else text)
        if path is None:
            return None
        name = relative(at, path)
        if name not in self._known:
            if not path.is_file():
                at.error(f"{code}-missing", msg("The file %(file)s is not in the submission.", file=name))
                return None
            self._known[name] = self._read(at, name)
        return self._known[name]

    def service(self, source: Source, name: str) -> Node | None:
        """Return a service of a file with variables replaced and paths seen from the top; None if there is none."""
        raw = source.services.get(name)
        if raw is None or source.whole:
            return raw
        if name not in source.taken:
            replaced = Replacement(self.project, source.variables, source.base).tree(raw, f"services.{name[:80]}")
            source.taken[name] = relocate_service(replaced, source.folder)
        return source.taken[name]

    def _outside(self, text: str, folder: str) -> bool:
        root = self.project.root
        try:
            return not (root / folder / text).resolve().is_relative_to(root)
        except (OSError, RuntimeError, ValueError):
            return True

    def _read(self, at: Scope, name: str) -> Source | None:
        project = self.project
        data = read_bytes(at, project.root / name, MAX_BYTES)
        if data is None:
            return None
        self._bytes += len(data)
        if len(project.further_files) >= MAX_FILES or self._bytes > MAX_TOTAL:
            at.error(
                "too-many-files",
                msg("More than %(limit)d further compose files.", limit=MAX_FILES)
                if self._bytes <= MAX_TOTAL
                else msg("The compose files are larger than %(limit)d KiB.", limit=MAX_TOTAL >> 10),
            )
            return None
        project.further_files.append(name)
        try:
            tree = load(data)
        except YamlError as error:
            project.out.add("error", error.code, Place(name, error.line), error.message)
            return None
        if not isinstance(tree, Mapping):
            message = msg("The compose file must be a mapping that begins with services:.")
            project.out.add("error", "compose-not-mapping", Place(name, max(tree.line, 1)), message)
            return None
        folder = name.rpartition("/")[0]
        source = Source(name, folder, project.line_offset(len(project.further_files)), tree, dict(project.variables))
        services = tree.get("services")
        source.services = services if isinstance(services, Mapping) else Mapping()
        return source
