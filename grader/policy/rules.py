"""The words in which tables of attributes are written: a rule judges a value and returns what is emitted for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as AbstractMapping
from typing import Any, Final

from grader.model.text import Text, msg
from grader.policy.document.nodes import Mapping, Node, Scalar, Sequence, is_null
from grader.policy.near import nearest
from grader.policy.scope import Scope
from grader.policy.values import Shape, as_bool, as_text, as_texts


class _Drop:
    """Nothing is emitted for the value."""


DROP: Final = _Drop()
MAX_SUGGESTED = 50
Rule = Callable[[Scope, Node], Any]
Table = AbstractMapping[str, Rule]


def judge_mapping(scope: Scope, node: Node, table: Table) -> dict[str, Any]:
    """Judge every attribute of a mapping by its table and return what is emitted; an unknown one is refused by name."""
    if not isinstance(node, Mapping):
        wrong_type(scope)
        return {}
    emitted: dict[str, Any] = {}
    for name, entry in node.entries.items():
        if name.startswith("x-"):
            continue
        inner = scope.at(name, entry.line)
        rule = table.get(name)
        if rule is None:
            unknown(inner, name, table)
            continue
        if is_null(entry.node):
            continue  # an attribute without a value is as good as not there
        value = rule(inner, entry.node)
        if value is not DROP:
            emitted[name] = value
    return emitted


def unknown(scope: Scope, name: str, table: Iterable[str]) -> None:
    """Refuse an attribute that the model does not know, with the nearest one that it does."""
    # looking for the nearest name takes a while, and a file may hold thousands of wrong ones
    meant = nearest(name, table) if len((scope.sink or scope.project.out).all) < MAX_SUGGESTED else None
    scope.error(
        "attribute-unknown",
        msg("The attribute %(name)s is not known.", name=name[:80]),
        msg("Did you mean %(meant)s?", meant=meant) if meant else msg("Remove it, or look up its right name."),
    )


def wrong_type(scope: Scope) -> None:
    """Refuse what should have been a mapping."""
    scope.error("attribute-type", msg("%(path)s must be a mapping (name: value).", path=scope.path or "compose"))


def refused(code: str, why: Text, remedy: Text | None = None) -> Rule:
    """Refuse the attribute whatever its value is; an empty one says nothing."""
    return refused_unless(frozenset(), code, why, remedy)


def refused_unless(default: frozenset[str], code: str, why: Text, remedy: Text | None = None) -> Rule:
    """Refuse the attribute unless it says what is so anyway, or nothing."""

    def rule(scope: Scope, node: Node) -> Any:
        if isinstance(node, Scalar):
            empty = node.value == "" or node.value in default
        else:
            empty = not (node.items if isinstance(node, Sequence) else node.entries)
        if not empty:
            scope.error(code, why, remedy)
        return DROP

    return rule


def refused_if_true(code: str, why: Text, remedy: Text | None = None) -> Rule:
    """Refuse a switch that is on, in any spelling; one that is off says nothing."""

    def rule(scope: Scope, node: Node) -> Any:
        if as_bool(scope, node) is not False:
            scope.error(code, why, remedy)
        return DROP

    return rule


def dropped(why: Text | None = None) -> Rule:
    """Leave the attribute out of what runs; said as a notice where a student could miss it."""

    def rule(scope: Scope, _node: Node) -> Any:
        if why is not None:
            scope.notice("attribute-dropped", why)
        return DROP

    return rule


def value(read: Callable[[Scope, Node], Any]) -> Rule:
    """Emit what `read` makes of the value; nothing if it complained."""

    def rule(scope: Scope, node: Node) -> Any:
        result = read(scope, node)
        return DROP if result is None else result

    return rule


def text_of_shape(shape: Shape) -> Rule:
    """Emit a text that has a certain form; an empty one says nothing, as in Compose."""

    def rule(scope: Scope, node: Node) -> Any:
        found = as_text(scope, node)
        if not found:
            return DROP
        if not shape.matches(found):
            scope.error("attribute-value", shape.complaint(found))
            return DROP
        return found

    return rule


def nested(table: Table) -> Rule:
    """Judge a mapping by its own table; an empty result is not emitted."""

    def rule(scope: Scope, node: Node) -> Any:
        return judge_mapping(scope, node, table) or DROP

    return rule


def items(node: Node) -> tuple[Node, ...]:
    """Return the elements of a list, or the value itself as the only one."""
    return node.items if isinstance(node, Sequence) else (node,)


def each_text(scope: Scope, node: Node) -> list[tuple[str, Scope]]:
    """Return the texts of a list, or the only one, each with its own place."""
    texts = as_texts(scope, node) or []
    return [(text, scope.on(item)) for text, item in zip(texts, items(node), strict=False)]  # none after a complaint


def limited(most: str) -> tuple[str, Text]:
    """Return the code and words of a notice that a value is larger than what the grader gives."""
    return "attribute-limited", msg("The grader gives at most %(limit)s here.", limit=most)
