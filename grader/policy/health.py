"""Health checks: within limits, and often enough that nobody waits longer than a service needs to start."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy.document.nodes import Node, Scalar, Sequence
from grader.policy.rules import DROP, Table, judge_mapping, value
from grader.policy.values import as_bool, as_duration, as_int, as_text, as_texts, write_duration

if TYPE_CHECKING:
    from grader.policy.scope import Scope

MIN_INTERVAL_S = 1.0
MAX_INTERVAL_S = 3600.0
MAX_TIMEOUT_S = 60.0
WAITED_INTERVAL_S = 3.0  # a run of rabbitmq-diagnostics costs nearly a second of CPU: not more often
DEFAULT_INTERVAL_S = 30.0
DEFAULT_TIMEOUT_S = 30.0
DEFAULT_RETRIES = 3
MAX_RETRIES = 1000


def _test(scope: Scope, node: Node) -> Any:
    if isinstance(node, Scalar):
        text = as_text(scope, node)
        return DROP if text is None else text
    words = as_texts(scope, node)
    if words is None:
        return DROP
    if not words or words[0] not in {"NONE", "CMD", "CMD-SHELL"} or not isinstance(node, Sequence):
        scope.error(
            "healthcheck-test",
            msg("A healthcheck's list begins with CMD, CMD-SHELL or NONE."),
            msg('Write test: ["CMD", "program", "argument"].'),
        )
        return DROP
    return words


def _retries(scope: Scope, node: Node) -> Any:
    number = as_int(scope, node)
    if number is not None and number < 0:
        scope.error("attribute-value", msg("%(value)s is not a number of tries.", value=str(number)[:40]))
    return DROP if number is None else number


_HEALTH: Table = {
    "test": _test,
    "interval": value(as_duration),
    "timeout": value(as_duration),
    "start_period": value(as_duration),
    "start_interval": value(as_duration),
    "retries": _retries,
    "disable": value(as_bool),
}


def judge_healthcheck(scope: Scope, node: Node) -> Any:
    """Return the health check with its lengths in seconds (see `written` for Compose's form)."""
    found = judge_mapping(scope, node, _HEALTH)
    if "interval" in found:
        found["interval"] = min(max(found["interval"] or DEFAULT_INTERVAL_S, MIN_INTERVAL_S), MAX_INTERVAL_S)
    if "timeout" in found:
        found["timeout"] = min(found["timeout"] or DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S)
    if "start_period" in found:
        found["start_period"] = min(found["start_period"], 600.0)
    found.pop("start_interval", None)  # engines before 25 refuse it
    if "retries" in found:
        found["retries"] = min(max(found["retries"], 1), MAX_RETRIES)
    return found or DROP


def shortened(health: dict[str, Any]) -> dict[str, Any]:
    """Return a check that others wait for: asked every 3 s at most, with the same patience in all."""
    interval = health.get("interval", DEFAULT_INTERVAL_S)
    if "test" not in health or health.get("disable") or interval <= WAITED_INTERVAL_S:
        return health
    retries = health.get("retries", DEFAULT_RETRIES)
    patience = math.ceil(retries * interval / WAITED_INTERVAL_S)
    return {**health, "interval": WAITED_INTERVAL_S, "retries": min(patience, MAX_RETRIES)}


def written(health: dict[str, Any]) -> dict[str, Any]:
    """Write lengths as Compose reads them."""
    return {k: write_duration(v) if isinstance(v, float) else v for k, v in health.items()}
