"""The last look: whatever was written, the emitted model holds only what may run. A breach is our fault, not theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.errors import GraderError
from grader.model.text import msg
from grader.policy.service import CAP_DROP, KEPT
from grader.policy.service_rules import DEFAULT_CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.model.assignment import Limits

_SERVICE = frozenset(KEPT) | {
    "image", "environment", "volumes", "configs", "networks", "restart", "mem_limit", "memswap_limit", "cpus",
    "pids_limit", "security_opt", "cap_drop", "cap_add", "logging", "pull_policy", "healthcheck", "scale", "labels",
}  # fmt: skip
_MOUNT = frozenset({"type", "source", "target", "read_only", "volume", "tmpfs"})


def check(compose: Mapping[str, Any], limits: Limits) -> None:
    """Raise GraderError if the model holds anything that the hardening should have removed."""
    for broken in _breaches(compose, limits):
        raise GraderError(msg("The grader's own policy let %(what)s pass.", what=broken))


def _breaches(compose: Mapping[str, Any], limits: Limits) -> list[str]:
    found = [f"top level: {k}" for k in compose if k not in {"services", "networks", "volumes", "configs"}]
    found += [f"{k}: {n}" for k in ("networks", "volumes") for n, v in compose[k].items() if v != {}]
    found += [f"configs: {n}" for n, v in compose.get("configs", {}).items() if set(v) != {"content"}]
    for name, service in compose["services"].items():
        found += [f"{name}.{k}" for k in service if k not in _SERVICE]
        found += [f"{name}.{what}" for what, holds in _facts(compose, service, limits) if not holds]
    return found


def _facts(compose: Mapping[str, Any], service: Mapping[str, Any], limits: Limits) -> list[tuple[str, bool]]:
    services = compose["services"]

    def own(attribute: str, *plain: str) -> bool:
        text = service.get(attribute)
        return text is None or text in plain or str(text).removeprefix("service:") in services

    return [
        ("volumes", all(_mount(compose, m) for m in service.get("volumes", []))),
        ("configs", all(c["source"] in compose.get("configs", {}) for c in service.get("configs", []))),
        ("networks", set(service.get("networks", {})) <= set(compose["networks"])),
        ("network_mode", own("network_mode", "none") and ("network_mode" in service) != ("networks" in service)),
        ("pid", own("pid")),
        ("ipc", own("ipc", "none", "shareable")),
        ("security_opt", service["security_opt"] == ["no-new-privileges:true"]),
        ("cap_drop", set(CAP_DROP) <= set(service["cap_drop"])),
        ("cap_add", set(service.get("cap_add", [])) <= DEFAULT_CAPABILITIES - set(CAP_DROP)),
        ("mem_limit", 0 < service["mem_limit"] == service["memswap_limit"] <= limits.memory_mib << 20),
        ("cpus", 0 < service["cpus"] <= limits.cpus),
        ("pids_limit", 0 < service["pids_limit"] <= limits.pids),
        ("restart", service["restart"] != "always"),
        ("pull_policy", service["pull_policy"] == "never"),
        ("image", bool(service["image"])),
        ("labels", not any(service.get("labels", {}).values())),  # those of an image, put out of force
    ]


def _mount(compose: Mapping[str, Any], mount: Mapping[str, Any]) -> bool:
    named = mount.get("source") is None or mount["source"] in compose["volumes"]
    return set(mount) <= _MOUNT and mount["type"] in {"volume", "tmpfs"} and named and mount["target"].startswith("/")
