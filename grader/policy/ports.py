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

_SHORT = re.compile(
    r"(?P<host>.*:)?(?P<target>[0-9]{1,5}(-[0-9]{1,5})?)(/(?P<kind>tcp|udp|sctp))?\Z",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)
_PORT = re.compile(r"[0-9]{1,5}(/(udp|sctp))?\Z")
_LONG: Table = {
    "target": value(as_text),
    "published": value(as_text),
    "host_ip": dropped(),
    "protocol": dropped(),
    "mode": dropped(),
    "name": dropped(),
    "app_protocol": dropped(),
}
MAX_PORTS = 100  # localstack's own example has 51


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


def container_ports(node: Node) -> list[str]:
    """Return the containers' side of well-formed ports, one by one, as `expose` writes them."""
    found: dict[str, None] = {}
    for item in items(node)[:MAX_PORTS]:
        protocol = Scalar("tcp")
        target: Node | None = item
        if isinstance(item, Mapping):
            target, protocol = item.get("target"), item.get("protocol") or protocol  # type: ignore[assignment]
        match = _SHORT.match(text_of(target.value)[:200]) if isinstance(target, Scalar) else None
        if not match:
            continue
        first, _, last = match["target"].partition("-")
        kind = (match["kind"] or (text_of(protocol.value) if isinstance(protocol, Scalar) else "tcp")).lower()
        suffix = "" if kind == "tcp" else f"/{kind}"
        found.update(dict.fromkeys(f"{port}{suffix}" for port in range(int(first), int(last or first) + 1)))
    return [port for port in found if _PORT.match(port)][:MAX_PORTS]


def _number(node: Node) -> int:
    """Return how many ports an entry of the short form stands for."""
    if isinstance(node, Mapping):
        node = node.get("published") or Scalar(None)
    match = _SHORT.match(text_of(node.value)[:200]) if isinstance(node, Scalar) else None
    first, _, last = match["target"].partition("-") if match else ("", "", "")
    return int(last) - int(first) + 1 if last else 1


def _is_port(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,5}", text)) and 0 < int(text) <= 65535


def _fixed(scope: Scope, node: Node) -> bool:
    if isinstance(node, Mapping):
        found: dict[str, Any] = judge_mapping(scope, node, _LONG)
        published = str(found.get("published", ""))
        if not _is_port(str(found.get("target", ""))):
            scope.error("attribute-value", msg("%(value)s is not a port.", value=str(found.get("target", ""))[:60]))
        return bool(published) and published != "0" and "-" not in published
    text = as_text(scope, node)
    match = _SHORT.match(text or "")
    if text is None or not match or not all(map(_is_port, match["target"].split("-"))):
        if text is not None:
            scope.error("attribute-value", msg("%(value)s is not a port.", value=text[:60]))
        return False
    published = (match["host"] or "")[:-1].rpartition(":")[2]
    return bool(published) and published != "0" and "-" not in published
