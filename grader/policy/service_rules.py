"""Rules for the attributes of a service that need more than a word of the tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy.document.nodes import Mapping, Node, Scalar, is_null
from grader.policy.mounts import container_path
from grader.policy.rules import DROP, Table, each_text, items, judge_mapping, limited, value
from grader.policy.values import (
    as_bool,
    as_bytes,
    as_duration,
    as_int,
    as_number,
    as_pairs,
    as_text,
    as_texts,
    write_duration,
)

if TYPE_CHECKING:
    from grader.policy.scope import Scope

DEFAULT_CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
    "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
_WRITTEN_BY_HABIT = frozenset({"SYS_NICE", "IPC_LOCK"})
_ULIMITS = {"nofile": 1_048_576, "memlock": 64 << 20}
_SYSCTL = re.compile(r"net\.core\.somaxconn|net\.ipv4\.ip_local_port_range|net\.ipv4\.tcp_[a-z0-9_]+")
_USER = re.compile(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?(:(?P<group>[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?)?")
MAX_REPLICAS = 10
SHM_CAP = 256 << 20
MAX_GRACE_S = 30.0


def command(scope: Scope, node: Node) -> Any:
    """A text that a shell splits, or a list of words."""
    if isinstance(node, Scalar):
        text = as_text(scope, node)
        return DROP if text is None else text
    words = as_texts(scope, node)
    return DROP if words is None else words


def cap_add(scope: Scope, node: Node) -> Any:
    """Only what Docker grants anyway; two that examples write by habit are dropped in silence."""
    names = [n.upper().removeprefix("CAP_") for n in as_texts(scope, node) or []]
    for name, item in zip(names, items(node), strict=False):  # a list after a complaint is empty
        if name not in DEFAULT_CAPABILITIES | _WRITTEN_BY_HABIT:
            scope.on(item).error(
                "capability",
                msg("The capability %(name)s is not given to anybody.", name=name[:40]),
                msg("Remove it from cap_add."),
            )
    return [n for n in names if n in DEFAULT_CAPABILITIES] or DROP


def cap_drop(scope: Scope, node: Node) -> Any:
    """Whatever a student gives up."""
    names = [n.upper().removeprefix("CAP_") for n in as_texts(scope, node) or []]
    bad = [n for n in names if not re.fullmatch(r"[A-Z_]{2,30}", n)]
    if bad:
        scope.error("attribute-value", msg("%(value)s is not a capability.", value=bad[0][:40]))
    return [n for n in names if n not in bad] or DROP


def security_opt(scope: Scope, node: Node) -> Any:
    """Only the option that is set anyway."""
    for text, item in zip(as_texts(scope, node) or [], items(node), strict=False):
        if not re.fullmatch(r"no-new-privileges([:=](true|1))?", text):
            scope.on(item).error(
                "security-option",
                msg("The security option %(option)s is not allowed.", option=text[:80]),
                msg("Remove it."),
            )
    return DROP


def restart(scope: Scope, node: Node) -> Any:
    """Policies keep their meaning, except that `always` must not bring a container back after a stop."""
    raw = node.value if isinstance(node, Scalar) else None
    text = "no" if raw is False else as_text(scope, node)
    if text is None:
        return DROP
    if text == "always":
        return "unless-stopped"
    if text in {"no", "unless-stopped", ""} or re.fullmatch(r"on-failure(:[0-9]{1,5})?", text):
        return text or "no"
    scope.error(
        "restart",
        msg("%(value)s is not a restart policy.", value=text[:40]),
        msg("Use no, on-failure, always or unless-stopped."),
    )
    return DROP


def sysctls(scope: Scope, node: Node) -> Any:
    """A few that concern the container's own network."""
    kept = {}
    for name, (given, line) in (as_pairs(scope, node) or {}).items():
        if _SYSCTL.fullmatch(name) and given is not None and re.fullmatch(r"[0-9 \t]{1,40}", given):
            kept[name] = given
        else:
            scope.at(name, line).notice(
                "attribute-dropped", msg("The kernel setting %(name)s is left out.", name=name[:60])
            )
    return kept or DROP


def ulimits(scope: Scope, node: Node) -> Any:
    """Numbers of files and locked memory within limits.

    Not nproc, which the kernel counts for a user's number on the whole machine: a program would not start because of
    another submission's. What bounds processes is `pids_limit`.
    """
    if not isinstance(node, Mapping):
        scope.error("attribute-type", msg("%(path)s must be a mapping (name: value).", path=scope.path))
        return DROP
    kept: dict[str, Any] = {}
    for name, entry in node.entries.items():
        inner = scope.at(name, entry.line)
        cap = _ULIMITS.get(name)
        if cap is None:
            inner.notice("attribute-dropped", msg("The limit %(name)s is left out.", name=name[:40]))
            continue
        if isinstance(entry.node, Mapping):
            found = judge_mapping(inner, entry.node, {"soft": value(as_int), "hard": value(as_int)})
        else:
            both = as_int(inner, entry.node)
            found = {} if both is None else {"soft": both, "hard": both}
        if found:
            clamped = {k: cap if v < 0 else min(v, cap) for k, v in found.items()}
            if clamped != found:
                inner.notice(*limited(str(cap)))
            hard = clamped.get("hard", max(clamped.values()))
            kept[name] = {"soft": min(clamped.get("soft", hard), hard), "hard": hard}
    return kept or DROP


def replicas(scope: Scope, node: Node) -> Any:
    """A number of containers between 0 and 10."""
    number = as_int(scope, node)
    if number is None:
        return DROP
    if not 0 <= number <= MAX_REPLICAS:
        scope.error(
            "too-many-replicas",
            msg("A service has 0 to %(limit)d containers here, not %(number)d.", limit=MAX_REPLICAS, number=number),
        )
        return DROP
    return number


def shm_size(scope: Scope, node: Node) -> Any:
    """Shared memory up to 256 MiB."""
    size = as_bytes(scope, node)
    if size is not None and size > SHM_CAP:
        scope.notice(*limited("256 MiB"))
    return DROP if size is None else min(size, SHM_CAP)


def grace(scope: Scope, node: Node) -> Any:
    """How long a stop may take: at most 30 s."""
    length = as_duration(scope, node)
    if length is not None and length > MAX_GRACE_S:
        scope.notice(*limited(write_duration(MAX_GRACE_S)))
    return DROP if length is None else write_duration(min(length, MAX_GRACE_S))


def user(scope: Scope, node: Node) -> Any:
    """A user and group; the everyday ${UID}:${GID} is empty wherever they are not exported."""
    text = as_text(scope, node)
    if text is None or not text.strip(":"):
        return DROP
    if not _USER.fullmatch(text):
        scope.error("attribute-value", msg("%(value)s is not a user.", value=text[:60]))
        return DROP
    return text


def working_dir(scope: Scope, node: Node) -> Any:
    """An absolute folder outside of the system's own; one among the programs of a broker changes nothing of them."""
    text = as_text(scope, node)
    if not text or text == "/":
        return text or DROP
    return container_path(scope, text) or DROP


_DEPENDENCY: Table = {"condition": value(as_text), "restart": value(as_bool), "required": value(as_bool)}
_CONDITIONS = frozenset({"service_started", "service_healthy", "service_completed_successfully"})


def depends_on(scope: Scope, node: Node) -> Any:
    """Dependencies in the long form."""
    kept: dict[str, Any] = {}
    if isinstance(node, Mapping):
        for name, entry in node.entries.items():
            inner = scope.at(name, entry.line)
            empty = is_null(entry.node)
            found = {} if empty else judge_mapping(inner, entry.node, _DEPENDENCY)
            condition = found.setdefault("condition", "service_started")
            if condition not in _CONDITIONS:
                inner.error("attribute-value", msg("%(value)s is not a condition.", value=condition[:60]))
                continue
            kept[name] = found
    else:
        kept = {name: {"condition": "service_started"} for name in as_texts(scope, node) or []}
    places = (
        dict(each_text(scope, node))
        if not isinstance(node, Mapping)
        else {name: scope.at(name, entry.line) for name, entry in node.entries.items()}
    )
    if kept.pop(scope.service, None):
        places[scope.service].error("dependency-cycle", msg("%(service)s waits for itself.", service=scope.service))
    for name in [n for n in kept if n not in scope.project.service_names]:
        places[name].error(
            "service-unknown",
            msg("There is no service %(name)s.", name=name[:60]),
            msg("Correct its name under depends_on."),
        )
        del kept[name]
    return kept or DROP


def volumes_from(scope: Scope, node: Node) -> Any:
    """Mounts of a service of this project."""
    kept: list[str] = []
    if scope.under_test:  # what another service has mounted would cover programs unseen
        scope.error(
            "witness-covered",
            msg("%(service)s cannot take over the mounts of another service.", service=scope.service),
            msg("Write its volumes out."),
        )
        return DROP
    for text, at in each_text(scope, node):
        name, _, mode = text.partition(":")
        if name == "container" or name not in scope.project.service_names or mode not in {"", "ro", "rw"}:
            at.error("foreign-container", msg("%(value)s is not a service of this project.", value=text[:60]))
        else:
            kept.append(text)
    return kept or DROP


def cpus(scope: Scope, node: Node) -> Any:
    """A positive number of processors."""
    number = as_number(scope, node)
    return DROP if number is None or number <= 0 else number
