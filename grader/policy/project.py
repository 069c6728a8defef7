"""Opening a submission: the compose file that Compose would take, its variables, its tree with variables replaced."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.errors import SubmissionRefusedError
from grader.intake.names import COMPOSE_FILES
from grader.model.findings import Finding
from grader.model.text import msg
from grader.policy.collect import Collector, Place
from grader.policy.document import dotenv
from grader.policy.document.interpolate import InterpolationError, expand, too_large
from grader.policy.document.nodes import Entry, Mapping, Node, Scalar, Sequence, is_null
from grader.policy.document.yaml_load import MAX_BYTES, YamlError, load
from grader.policy.files import MAX_BESIDE
from grader.policy.near import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from grader.policy.scope import Project

_OUT = re.compile(r"(\./)*\.\.(/|\Z)")
MAX_EXPANDED = 2 << 20  # characters in all: an alias repeats a text of variables without costing the file a byte
# what every student's Compose knows without a .env; "." is the folder that relative paths begin in
_PROJECT_NAME = "COMPOSE_PROJECT_NAME"
_COMPOSE_SETS = {_PROJECT_NAME: "project", "PWD": "."}
_OVERRIDES = tuple(f"{base}.override.{suffix}" for base in ("compose", "docker-compose") for suffix in ("yml", "yaml"))


def find_compose_file(root: Path, out: Collector) -> str:
    """Return the name of the compose file. Raises SubmissionRefusedError if there is none that can be read."""
    present = [name for name in COMPOSE_FILES if (root / name).exists() or (root / name).is_symlink()]
    if not present:
        return _below(root, out)
    name = present[0]
    if not (root / name).is_file() or not (root / name).resolve().is_relative_to(root):
        raise SubmissionRefusedError(
            Finding(
                code="compose-file-kind",
                severity="error",
                file=name,
                message=msg("%(file)s must be a regular file.", file=name),
                remedy=msg("Put the compose file itself at the top of the submission."),
            )
        )
    for other in present[1:]:
        out.add(
            "warning",
            "compose-file-ignored",
            Place(other),
            msg("%(file)s is not read: %(chosen)s comes first.", file=other, chosen=name),
        )
    for override in _OVERRIDES:
        if (root / override).exists():
            out.add(
                "warning",
                "compose-override-ignored",
                Place(override),
                msg("%(file)s is not read: only one compose file counts.", file=override),
            )
    return name


def _below(root: Path, out: Collector) -> str:
    """Return the compose file of a folder that builds from outside of it: no folder could be handed in for it instead.

    Raises SubmissionRefusedError where there is none, or more than one.
    """
    found = sorted(p.relative_to(root).as_posix() for n in COMPOSE_FILES for p in root.glob(f"*/{n}") if p.is_file())
    folders = sorted({file.partition("/")[0] for file in found})
    if len(folders) != 1:
        raise SubmissionRefusedError(_no_compose_file(root, folders))
    file = next(f"{folders[0]}/{name}" for name in COMPOSE_FILES if f"{folders[0]}/{name}" in found)
    if not _reaches_out(root, file):
        raise SubmissionRefusedError(_no_compose_file(root, folders))
    out.add(
        "notice",
        "compose-file-below",
        Place(file),
        msg("%(file)s is read as it is at home in its folder, since it uses what lies beside that folder.", file=file),
    )
    return file


def _reaches_out(root: Path, file: str) -> bool:
    """Say whether a compose file names something beside its own folder."""
    if not (root / file).resolve().is_relative_to(root):
        return False
    try:
        todo: list[Node] = [read_tree(root, file)]
    except SubmissionRefusedError:
        return False
    while todo:
        node = todo.pop()
        if isinstance(node, Scalar):
            if isinstance(node.value, str) and _OUT.match(node.value):
                return True
        elif isinstance(node, Sequence):
            todo.extend(node.items)
        else:
            todo.extend(entry.node for entry in node.entries.values())
    return False


def _no_compose_file(root: Path, folders: list[str]) -> Finding:
    names = [entry.name for entry in itertools.islice(root.iterdir(), MAX_BESIDE) if entry.is_file()]
    near = [(name, meant) for name in sorted(names) if (meant := nearest(name, COMPOSE_FILES))]
    remedy = msg("Put a compose.yaml at the top of the submission.")
    if near:
        remedy = msg("Compose does not look for %(near)s: call it %(name)s.", near=near[0][0], name=near[0][1])
    elif len(folders) == 1:
        remedy = msg("There is one in the folder %(folder)s: hand in that folder.", folder=folders[0])
    elif folders:
        remedy = msg("There are some in the folders %(folders)s: hand in one of them.", folders=", ".join(folders[:9]))
    return Finding(
        code="compose-file-missing",
        severity="error",
        message=msg("There is no compose file at the top of the submission."),
        remedy=remedy,
        file=COMPOSE_FILES[0],
    )


def read_variables(root: Path, out: Collector, folder: str = "", known: dict[str, str] | None = None) -> dict[str, str]:
    """Return the variables of the .env at the top of the submission, or of `folder`; what steers tools is left out."""
    return read_variables_of(root, out, f"{folder}/.env" if folder else ".env", known or {})


def read_variables_of(root: Path, out: Collector, file: str, known: dict[str, str]) -> dict[str, str]:
    """Return the variables of one file of the submission, none if it is not there; `known` are those of others.

    Raises SubmissionRefusedError where the file is wrong: without its variables all else would only seem to be.
    """
    path = root / file
    if not path.is_file() or not path.resolve().is_relative_to(root):
        return dict(_COMPOSE_SETS)
    found = dict(_COMPOSE_SETS)
    with path.open("rb") as reader:
        data = reader.read(dotenv.MAX_BYTES + 1)
    wrong = len(out.errors)
    variables = dotenv.parse(data, file, known, out)
    if len(out.errors) > wrong:
        raise SubmissionRefusedError(*out.errors, *(f for f in out.all if f.severity != "error"))
    for variable in variables:
        if variable.value is None or not variable.name:
            continue  # a bare name takes over what the machine has, which is nothing here
        if variable.name == _PROJECT_NAME:
            found[variable.name] = variable.value
        elif dotenv.steers_tools(variable.name):
            out.add(
                "warning",
                "env-name-reserved",
                Place(file, variable.line, variable.name),
                msg("%(name)s steers Docker or the system and is left out.", name=variable.name[:80]),
            )
        elif variable.name != "PWD":
            found[variable.name] = variable.value
    return found


def read_tree(root: Path, file: str) -> Mapping:
    """Return the compose file's mapping. Raises SubmissionRefusedError with the line where it cannot be read."""
    with (root / file).open("rb") as reader:
        data = reader.read(MAX_BYTES + 1)
    try:
        tree = load(data)
    except YamlError as error:
        raise SubmissionRefusedError(
            Finding(code=error.code, severity="error", file=file, line=error.line, message=error.message)
        ) from None
    if isinstance(tree, Mapping):
        return tree
    empty = is_null(tree)
    raise SubmissionRefusedError(
        Finding(
            code="compose-empty" if empty else "compose-not-mapping",
            severity="error",
            file=file,
            line=max(tree.line, 1),
            message=msg("The compose file is empty.")
            if empty
            else msg("The compose file must be a mapping that begins with services:."),
            remedy=msg("Write services: and below it one entry for each service."),
        )
    )


@dataclass(slots=True)
class Replacement:
    """Replaces variables in the values of one file; lines come out raised by `base`, as `Project.place` reads them."""

    project: Project
    variables: dict[str, str]
    base: int = 0

    def tree(self, node: Node, path: str = "") -> Node:
        """Return the tree with variables replaced in every value (keys stay, as in Compose)."""
        if isinstance(node, Scalar):
            return self._scalar(node, path)
        if isinstance(node, Sequence):
            return Sequence(tuple(self.tree(n, f"{path}.{i}") for i, n in enumerate(node.items)), self._line(node.line))
        entries = {}
        for name, entry in node.entries.items():
            if not path and name.startswith("x-"):
                continue  # parts to share: what uses them has its own copy
            inner = f"{path}.{name}" if path else name
            entries[name] = Entry(self.tree(entry.node, inner[:300]), self._line(entry.line))
        return Mapping(entries, self._line(node.line))

    def _line(self, line: int) -> int:
        return line + self.base if line else 0

    def _scalar(self, node: Scalar, path: str) -> Scalar:
        line = self._line(node.line)
        if not isinstance(node.value, str) or "$" not in node.value:
            return Scalar(node.value, line) if self.base else node
        at = self.project.place(line, path)
        missing: dict[str, None] = {}
        try:
            if self.project.expanded > MAX_EXPANDED:
                raise too_large()
            text = expand(node.value, self.variables, missing.setdefault)
            self.project.expanded += len(text)
        except InterpolationError as error:
            self.project.out.add("error", error.code, at, error.message)
            return Scalar("", line)
        for name in missing:
            self.project.out.add(
                "warning",
                "variable-not-set",
                at,
                msg("The variable %(name)s is not set in .env and counts as empty.", name=name[:80]),
                msg("Write it into .env, or give it a default: ${%(name)s:-value}.", name=name[:80]),
            )
        return Scalar(text, line)
