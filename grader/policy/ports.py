"""Published ports: never published, but a fixed one on several containers is a mistake worth naming."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy.document.nodes import Mapping, Node, Scalar, Sequence, text_of
from grader.policy.rules import Table, dropped, items, judge_mapping, value
from grader.policy.values import as_text

if TYPE_CHECKING:
    from grader.policy.scope import Scope

_SHORT = re.compile(r"(?P<host>.*:)?(?P<target>[0-9]{1,5}(-[0-9]{1,5})?)(/(tcp|udp|sctp))?\Z", re.DOTALL)
_LONG: Table = {
    "target": value(as_text),
    "published": value(as_text),
    "host_ip": dropped(),
    "protocol": dropped(),
    "mode": dropped(),
    "name": dropped(),
    "app_protocol": dropped(),
}
MAX_PORTS = 50


def fixed_port_line(scope: Scope, node: Node) -> int:
    """Judge `ports`; returns the line of the first single port of the host that is asked for, 0 if none is."""
    if not isinstance(node, (Sequence, Scalar)):
        scope.error("attribute-type", msg("%(path)s must be a text or a list of texts.", path=scope.path))
        return 0
    entries = items(node)
    if len(entries) > MAX_PORTS or sum(map(_number, entries)) > MAX_PORTS:
        scope.error("too-many-ports", msg("There are more than %(limit)d ports.", limit=MAX_PORTS))
    line = 0
    for i, item in enumerate(entries[:MAX_PORTS]):
        inner = scope.at(i, item.line)
        if _fixed(inner, item) and not line:
            line = item.line
    return line


def _number(node: Node) -> int:
    """Return how many ports an entry of the short form stands for."""
    match = _SHORT.match(text_of(node.value)[:200]) if isinstance(node, Scalar) else None
    first, _, last = match["target"].partition("-") if match else ("", "", "")
    return int(last) - int(first) + 1 if last else 1


def _fixed(scope: Scope, node: Node) -> bool:
    if isinstance(node, Mapping):
        found: dict[str, Any] = judge_mapping(scope, node, _LONG)
        published = str(found.get("published", ""))
        return bool(published) and published != "0" and "-" not in published
    text = as_text(scope, node)
    match = _SHORT.match(text or "")
    if text is None or not match:
        if text is not None:
            scope.error("attribute-value", msg("%(value)s is not a port.", value=text[:60]))
        return False
    published = (match["host"] or "")[:-1].rpartition(":")[2]
    return bool(published) and published != "0" and "-" not in published
