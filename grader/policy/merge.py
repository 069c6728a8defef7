"""Merging what a service extends with its own words, and models of several files, by Compose's rules."""

from __future__ import annotations

from grader.policy.document.nodes import Entry, Mapping, Node, Scalar, Sequence, is_null, plain, text_of
from grader.policy.rules import items

_REPLACED = frozenset({"command", "entrypoint", "test"})
_PAIRS = {"environment": "=", "labels": "=", "annotations": "=", "sysctls": "=", "args": "="}
_NAMES = {"depends_on": "condition", "networks": ""}  # a list of names is short for a mapping
_BY_TARGET = frozenset({"volumes", "devices", "configs", "secrets", "tmpfs"})
_SINGLE_OR_LIST = frozenset({"dns", "dns_opt", "dns_search", "env_file", "tmpfs", "label_file"})


def merge(base: Mapping, own: Mapping) -> Mapping:
    """Return what `own` says merged into `base`: a service into the one it extends, or a model into another file's."""
    entries = dict(base.entries)
    for name, entry in own.entries.items():
        before = entries.get(name)
        entries[name] = entry if before is None else Entry(_merged(name, before.node, entry.node), entry.line)
    return Mapping(entries, own.line)


def _merged(name: str, base: Node, own: Node) -> Node:
    if name in _REPLACED or is_null(base):
        return own
    if is_null(own):
        return base
    if name == "build":
        base, own = _build(base), _build(own)
    elif name in _PAIRS:
        base, own = _pairs(base, _PAIRS[name]), _pairs(own, _PAIRS[name])
    elif name in _NAMES:
        base, own = _names(base, _NAMES[name]), _names(own, _NAMES[name])
    elif name == "extra_hosts":
        base, own = _hosts(base), _hosts(own)
    elif name in _SINGLE_OR_LIST:
        base, own = Sequence(items(base), base.line), Sequence(items(own), own.line)
    if isinstance(base, Mapping) and isinstance(own, Mapping):
        return merge(base, own)
    if isinstance(base, Sequence) and isinstance(own, Sequence):
        return _lists(base, own, by_target=name in _BY_TARGET)
    return own


def _build(node: Node) -> Node:
    return Mapping({"context": Entry(node, node.line)}, node.line) if isinstance(node, Scalar) else node


def _pairs(node: Node, separator: str) -> Node:
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        if not isinstance(item, Scalar):
            return node  # not of this form: judged as it stands
        name, found, text = text_of(item.value).partition(separator)
        entries[name] = Entry(Scalar(text if found else None, item.line), item.line)
    return Mapping(entries, node.line)


def _names(node: Node, attribute: str) -> Node:
    if not isinstance(node, Sequence) or not all(isinstance(i, Scalar) for i in node.items):
        return node
    names = {text_of(i.value): i.line for i in node.items if isinstance(i, Scalar)}
    if attribute:
        started = Scalar("service_started")
        short: Node = Mapping({attribute: Entry(started, node.line)}, node.line)
    else:
        short = Scalar(None)
    return Mapping({n: Entry(short, line) for n, line in names.items()}, node.line)


def _hosts(node: Node) -> Node:
    if not isinstance(node, Mapping):
        return node
    written = [
        Scalar(f"{name}={text_of(i.value)}", entry.line)
        for name, entry in node.entries.items()
        for i in items(entry.node)
        if isinstance(i, Scalar)
    ]
    return Sequence(tuple(written), node.line)


def _lists(base: Sequence, own: Sequence, *, by_target: bool) -> Sequence:
    """Return both lists, each thing once: the later one where two have one target, the first of equal ones."""
    found: dict[str, Node] = {}
    for item in (*base.items, *own.items):
        key = _target(item) if by_target else ""
        found[key or repr(plain(item))] = item
    return Sequence(tuple(found.values()), own.line)


def _target(node: Node) -> str:
    if isinstance(node, Mapping):
        target = node.get("target") or node.get("source")
        return text_of(target.value) if isinstance(target, Scalar) else ""
    if isinstance(node, Sequence):
        return ""
    parts = text_of(node.value).split(":")
    return parts[1] if len(parts) > 1 else parts[0]
