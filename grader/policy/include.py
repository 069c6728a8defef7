"""`include`: other compose files of the submission, whose services and resources become part of the project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy import extends
from grader.policy.document.nodes import Entry, Mapping, Node, is_null, plain
from grader.policy.merge import merge
from grader.policy.project import Replacement, read_variables, read_variables_of
from grader.policy.relocate import relocate_model
from grader.policy.rules import Table, each_text, items, judge_mapping, value
from grader.policy.scope import Scope
from grader.policy.sources import MAX_FILES
from grader.policy.values import as_text, as_texts

if TYPE_CHECKING:
    from grader.policy.sources import Source, Sources

MAX_DEPTH = 10
SECTIONS = ("services", "networks", "volumes", "configs", "secrets")
_OWN = frozenset({"include", "name", "version"})  # said of a file, not of the project
_LONG: Table = {"path": value(as_texts), "project_directory": value(as_text), "env_file": value(as_texts)}


@dataclass(slots=True, frozen=True)
class _Wanted:
    """What one entry asks for: files, the folder that their paths begin in, files of variables (None: as usual)."""

    paths: tuple[str, ...]
    folder: str | None = None
    env_files: tuple[str, ...] | None = None


def resolve(sources: Sources, source: Source, tree: Mapping, trail: tuple[str, ...] = ()) -> Mapping:
    """Return the model of a file together with all that it includes."""
    entry = tree.entries.get("include")
    if entry is None or is_null(entry.node):
        return tree
    trail = (*trail, source.name)
    at = Scope(sources.project, "include", entry.line)
    model = Mapping({n: e for n, e in tree.entries.items() if n != "include"}, tree.line)
    if len(items(entry.node)) > MAX_FILES:
        at.error("too-many-files", msg("More than %(limit)d further compose files.", limit=MAX_FILES))
    for i, item in enumerate(items(entry.node)[:MAX_FILES]):
        inner = at.at(i, item.line)
        included = _included(sources, inner, source, _wanted(inner, source, item), trail)
        if included is not None:
            model = _joined(inner, model, included)
    return model


def _wanted(at: Scope, source: Source, node: Node) -> _Wanted:
    if not isinstance(node, Mapping):
        text = as_text(at, node)
        return _Wanted(() if text is None else (text,))
    found: dict[str, Any] = judge_mapping(at, node, _LONG)
    folder = env_files = None
    if found.get("project_directory"):
        folder = _in_tree(
            at.at("project_directory", node.entries["project_directory"].line),
            source,
            found["project_directory"],
            folder=True,
        )
    if found.get("env_file"):
        entry = node.entries["env_file"]
        places = each_text(at.at("env_file", entry.line), entry.node)
        names = [_in_tree(place, source, text) for text, place in places[:MAX_FILES]]
        env_files = tuple(name for name in names if name)
    return _Wanted(tuple(found.get("path", ())), folder, env_files)


def _in_tree(at: Scope, source: Source, text: str, *, folder: bool = False) -> str | None:
    """Return a path of the submission as seen from its top ("" for that), or None after a complaint."""
    root = at.project.root
    try:
        path = (root / source.folder / text).resolve()
        known = path.is_dir() if folder else path.is_file()
    except (OSError, RuntimeError, ValueError):
        path, known = root.parent, False
    if "$" in text or not path.is_relative_to(root):
        at.error(
            "include",
            msg("%(file)s is not a file of the submission.", file=text[:120] or '""'),
            msg("Put the file into the submission and name it relative to the compose file."),
        )
        return None
    name = path.relative_to(root).as_posix()
    if not known:
        at.error("include-missing", msg("The file %(file)s is not in the submission.", file=name))
        return None
    return "" if name == "." else name


def _included(sources: Sources, at: Scope, source: Source, wanted: _Wanted, trail: tuple[str, ...]) -> Mapping | None:
    """Return the model of one entry: of its first file, with the others as overrides."""
    model: Mapping | None = None
    if not wanted.paths:
        at.error("include", msg("include names no file."), msg("Write - path/to/compose.yaml."))
    for text in wanted.paths[:MAX_FILES]:
        other = sources.open(at, text, source.folder, "include")
        if other is None:
            continue
        if other.name in trail:
            at.error("include-cycle", msg("%(file)s includes itself in the end.", file=other.name))
        elif len(trail) > MAX_DEPTH:
            at.error("include-depth", msg("Files include each other more than %(limit)d deep.", limit=MAX_DEPTH))
        else:
            one = _model(sources, source, other, wanted, trail)
            model = one if model is None else merge(model, one)
    return model


def _model(sources: Sources, source: Source, other: Source, wanted: _Wanted, trail: tuple[str, ...]) -> Mapping:
    project = sources.project
    if other.model is not None:
        return other.model
    if not other.whole:
        if wanted.folder is not None:
            other.folder = wanted.folder
        own: dict[str, str] = {}
        if wanted.env_files is not None:
            for name in wanted.env_files:
                own |= read_variables_of(project.root, project.out, name, {**own, **source.variables})
        elif other.folder != source.folder:
            own = read_variables(project.root, project.out, other.folder, source.variables)
        other.variables = {**own, **source.variables}  # what includes has the last word, as in Compose
        tree = Replacement(project, other.variables, other.base).tree(other.tree)
        assert isinstance(tree, Mapping)
        other.tree = relocate_model(tree, other.folder)
        other.whole = True
    written = extends.resolve(sources, other, other.tree)
    other.model = resolve(sources, other, written, trail)
    return other.model


def _joined(at: Scope, model: Mapping, included: Mapping) -> Mapping:
    """Return the model with what is included; the same thing may be said twice, different things may not."""
    entries = dict(model.entries)
    for name, entry in included.entries.items():
        if name in _OWN:
            continue
        before = entries.get(name)
        if before is None or is_null(before.node):
            entries[name] = entry
        elif isinstance(before.node, Mapping) and isinstance(entry.node, Mapping) and name in SECTIONS:
            entries[name] = Entry(_section(at, name, before.node, entry.node), before.line)
        elif not is_null(entry.node):
            here = Scope(at.project, name, entry.line)
            here.error("attribute-type", msg("%(path)s must be a mapping (name: value).", path=name[:80]))
    return Mapping(entries, model.line)


def _section(at: Scope, section: str, before: Mapping, included: Mapping) -> Mapping:
    entries = dict(before.entries)
    for name, entry in included.entries.items():
        known = entries.setdefault(name, entry)
        if known is not entry and plain(known.node) != plain(entry.node):
            Scope(at.project, f"{section}.{name[:80]}", entry.line).error(
                "include-conflict",
                msg("%(name)s is defined differently in an included file.", name=f"{section}.{name[:80]}"),
                msg("Give one of the two another name."),
            )
    return Mapping(entries, before.line)
