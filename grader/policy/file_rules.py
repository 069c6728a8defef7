"""Rules for a service's configs and secrets, which are both put into its containers as contents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy.document.nodes import Mapping, Node, Scalar
from grader.policy.mounts import MAX_MOUNTS, judge_target
from grader.policy.rules import DROP, Table, dropped, items, judge_mapping, value
from grader.policy.values import as_text

if TYPE_CHECKING:
    from grader.policy.scope import Scope


def _mode(scope: Scope, node: Node) -> Any:
    """Of the mode it is kept whether the file may be executed."""
    raw = node.value if isinstance(node, Scalar) else None
    if isinstance(raw, str) and re.fullmatch(r"(0o?)?[0-7]{1,4}", raw):
        raw = int(raw.removeprefix("0o"), 8)
    if not isinstance(raw, int) or isinstance(raw, bool) or not 0 <= raw <= 0o7777:
        scope.error("attribute-value", msg("%(path)s is not a mode.", path=scope.path), msg("Write it like 0444."))
        return DROP
    return "0555" if raw & 0o111 else "0444"


_FILE: Table = {
    "source": value(as_text), "target": value(as_text), "uid": dropped(), "gid": dropped(), "mode": _mode,
}  # fmt: skip


def files(kind: str) -> Any:
    """Configs or secrets of a service: (name of the emitted config, target in the container)."""
    default = "/" if kind == "configs" else "/run/secrets/"

    def rule(scope: Scope, node: Node) -> Any:
        kept: list[dict[str, str]] = []
        if len(items(node)) > MAX_MOUNTS:
            limit = MAX_MOUNTS
            scope.error("too-many", msg("%(path)s has more than %(limit)d entries.", path=scope.path, limit=limit))
            return DROP
        for i, item in enumerate(items(node)):
            inner = scope.at(i, item.line)
            if isinstance(item, Mapping):
                found = judge_mapping(inner, item, _FILE)
            else:
                found = {"source": as_text(inner, item) or ""}
            source = found.get("source", "")
            own = scope.project.named_files.get(f"{kind}:{source}")
            if own is None:
                inner.error(
                    "file-undeclared", msg("%(name)s is not declared under %(kind)s.", name=source[:60], kind=kind)
                )
                continue
            target = found.get("target") or source
            target = judge_target(inner, target if target.startswith("/") else default + target)
            if target:
                mode = "0555" if own in scope.project.programs else "0444"
                kept.append({"source": own, "target": target, "mode": found.get("mode", mode)})
        return kept or DROP

    return rule
