"""`extends`: a service takes over what another one says, of the same file or of another file of the submission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.document.nodes import Entry, Mapping, Node, Scalar, Sequence
from grader.policy.merge import merge
from grader.policy.near import nearest
from grader.policy.rules import Table, judge_mapping, value
from grader.policy.scope import Scope
from grader.policy.values import as_text

if TYPE_CHECKING:
    from grader.policy.sources import Source, Sources

MAX_DEPTH = 10
MAX_TAKEN_OVER = 20_000
_EXTENDS: Table = {"service": value(as_text), "file": value(as_text)}


def resolve(sources: Sources, source: Source, tree: Mapping) -> Mapping:
    """Return a file's model in which every service is written out."""
    services = tree.get("services")
    if not isinstance(services, Mapping):
        return tree
    source.services = services
    found = {n: Entry(_resolved(sources, source, (n,), e.node, ()), e.line) for n, e in services.entries.items()}
    written = Entry(Mapping(found, services.line), tree.entries["services"].line)
    return Mapping({**tree.entries, "services": written}, tree.line)


def _resolved(
    sources: Sources, source: Source, names: tuple[str, ...], node: Node, trail: tuple[tuple[str, str], ...]
) -> Node:
    """Return the service written out; `names`: how it was come to, the first one for the path of a finding."""
    if not isinstance(node, Mapping) or "extends" not in node.entries:
        return node
    entry = node.entries["extends"]
    own = Mapping({n: e for n, e in node.entries.items() if n != "extends"}, node.line)
    at = Scope(sources.project, f"services.{names[0][:80]}.extends", entry.line)
    name, file = _reference(at, entry.node)
    other = sources.open(at, file, source.folder, "extends") if file else source
    trail = (*trail, (source.name, names[-1]))
    if not name or other is None or _too_deep(at, trail, (other.name, name)):
        return own
    base = sources.service(other, name)
    base = _resolved(sources, other, (*names, name), base, trail) if base else _missing(at, other, name)
    if not isinstance(base, Mapping):
        return own
    sources.taken_over += _size(base, MAX_TAKEN_OVER)
    if sources.taken_over > MAX_TAKEN_OVER:
        at.error("extends-too-large", msg("Services take over more than %(limit)d values.", limit=MAX_TAKEN_OVER))
        return own
    return merge(base, own)


def _too_deep(at: Scope, trail: tuple[tuple[str, str], ...], wanted: tuple[str, str]) -> bool:
    if wanted in trail:
        at.error("extends-cycle", msg("%(service)s extends itself in the end.", service=wanted[1][:60]))
    elif len(trail) > MAX_DEPTH:
        at.error("extends-depth", msg("Services extend each other more than %(limit)d deep.", limit=MAX_DEPTH))
    return wanted in trail or len(trail) > MAX_DEPTH


def _size(node: Node, limit: int) -> int:
    """Return how many values there are, counted to `limit` and a few more."""
    size = 0
    todo = [node]
    while todo and size <= limit:
        one = todo.pop()
        size += 1
        if isinstance(one, Sequence):
            todo.extend(one.items)
        elif isinstance(one, Mapping):
            todo.extend(e.node for e in one.entries.values())
    return size


def _reference(at: Scope, node: Node) -> tuple[str, str]:
    """Return (service, file or "") of either form of `extends`; an empty service after a complaint."""
    if isinstance(node, Scalar):
        return (as_text(at, node) or "", "")
    found = judge_mapping(at, node, _EXTENDS)
    if isinstance(node, Mapping) and not found.get("service"):
        at.error("extends", msg("extends names no service."), msg("Write extends: {service: name}."))
    return found.get("service", ""), found.get("file", "")


def _missing(at: Scope, other: Source, name: str) -> Node | None:
    meant = nearest(name[:80], other.services.entries)
    at.error(
        "extends-missing",
        msg("There is no service %(name)s in %(file)s to extend.", name=name[:60], file=other.name),
        msg("Did you mean %(meant)s?", meant=meant) if meant else msg("Correct its name, or the file's."),
    )
    return None
