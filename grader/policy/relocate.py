"""Paths of a file in another folder, written as seen from the top of the submission."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.policy.document.nodes import Entry, Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

# what is no path relative to the file stays as it is, and is refused where it is judged
_NOT_RELATIVE = re.compile(
    r"[/~\\]|[A-Za-z]:|[a-z0-9+.-]+://|git@|github\.com/|docker-image:|oci-layout:|target:|service:"
)


def relocate_service(node: Node, folder: str) -> Node:
    """Return a service whose relative paths begin at the top of the submission instead of in `folder`."""
    if not folder or not isinstance(node, Mapping):
        return node

    def path(value: Node) -> Node:
        return _path(value, folder)

    def build(value: Node) -> Node:
        if not isinstance(value, Mapping):
            return path(value)
        here = Entry(Scalar(".", value.line), value.line)
        return _with(Mapping({"context": here, **value.entries}, value.line), "context", path)

    def env_file(value: Node) -> Node:
        return _each(value, lambda item: _with(item, "path", path) if isinstance(item, Mapping) else path(item))

    def volumes(value: Node) -> Node:
        return _each(value, lambda item: _mount(item, folder))

    for name, change in (("build", build), ("env_file", env_file), ("volumes", volumes)):
        node = _with(node, name, change)
    return node


def relocate_model(tree: Mapping, folder: str) -> Mapping:
    """Return a file's model whose relative paths begin at the top of the submission instead of in `folder`."""
    if not folder:
        return tree

    def files(section: Node) -> Node:
        return _all(section, lambda one: _with(one, "file", lambda value: _path(value, folder)))

    def device(options: Node) -> Node:
        bound = isinstance(options, Mapping) and _text(options.get("device")).startswith(".")
        return _with(options, "device", lambda value: _path(value, folder)) if bound else options

    found: Node = _with(tree, "services", lambda section: _all(section, lambda one: relocate_service(one, folder)))
    found = _with(_with(found, "configs", files), "secrets", files)
    found = _with(found, "volumes", lambda section: _all(section, lambda one: _with(one, "driver_opts", device)))
    assert isinstance(found, Mapping)
    return found


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""


def _with(node: Node, name: str, change: Callable[[Node], Node]) -> Node:
    """Return a mapping with one of its values changed, if it has it."""
    if not isinstance(node, Mapping) or name not in node.entries:
        return node
    entry = node.entries[name]
    return Mapping({**node.entries, name: Entry(change(entry.node), entry.line)}, node.line)


def _all(node: Node, change: Callable[[Node], Node]) -> Node:
    if not isinstance(node, Mapping):
        return node
    return Mapping({n: Entry(change(e.node), e.line) for n, e in node.entries.items()}, node.line)


def _each(node: Node, change: Callable[[Node], Node]) -> Node:
    if isinstance(node, Sequence):
        return Sequence(tuple(change(i) for i in node.items), node.line)
    return change(node)


def _path(node: Node, folder: str) -> Node:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return node
    if not node.value or _NOT_RELATIVE.match(node.value):
        return node
    return Scalar(_below(folder, node.value), node.line)


def _below(folder: str, text: str) -> str:
    return f"./{folder}/{text.removeprefix('./')}" if text not in {".", "./"} else f"./{folder}"


def _mount(node: Node, folder: str) -> Node:
    if isinstance(node, Mapping):
        kind = node.get("type")
        bind = isinstance(kind, Scalar) and kind.value == "bind"
        return _with(node, "source", lambda value: _path(value, folder)) if bind else node
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value.startswith("."):
        return node
    source, colon, rest = node.value.partition(":")
    return Scalar(_below(folder, source) + colon + rest, node.line) if colon else node
