"""Rules for what connects a service: networks, names, shared namespaces of own services."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy.document.nodes import Mapping, Node, Scalar, Sequence, is_null
from grader.policy.resources import network_names
from grader.policy.rules import DROP, Table, dropped, each_text, judge_mapping
from grader.policy.values import Shape, as_text, as_texts

if TYPE_CHECKING:
    from grader.policy.scope import Scope

HOST_NAME = Shape(
    r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-)){0,4}", msg("%(value)s is not a host name.")
)
_CONTAINER_NAME = Shape(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}", msg("%(value)s is not the name of a container."))
_PORT = re.compile(r"(?P<first>[0-9]{1,5})(-(?P<last>[0-9]{1,5}))?(/(tcp|udp|sctp))?\Z")
MAX_PORTS = 100
MAX_NAMES = 100  # more say nothing of their own


def container_name(scope: Scope, node: Node) -> Any:
    """A name that others may reach the service by; one that is no host name is nobody's way to it."""
    text = as_text(scope, node)
    if not text:
        return DROP
    if HOST_NAME.matches(text):
        return text
    if _CONTAINER_NAME.matches(text):
        scope.notice("attribute-dropped", msg("%(name)s cannot be reached as a host name.", name=text[:80]))
    else:
        scope.error("attribute-value", _CONTAINER_NAME.complaint(text))
    return DROP


def network_mode(scope: Scope, node: Node) -> Any:
    """`none`, a service's own network, or `bridge`, which here means the project's default network."""
    text = as_text(scope, node) or ""
    if text == "none":
        return text
    if text.startswith("service:"):
        return own_service(scope, text)
    if text in {"bridge", "default", ""}:
        return DROP
    code = "host-network" if text == "host" else "foreign-network"
    scope.error(
        code,
        msg("network_mode: %(mode)s joins a network that is not the project's.", mode=text[:60]),
        msg("Remove network_mode: services of a project reach each other by name."),
    )
    return DROP


def own_service(scope: Scope, text: str) -> Any:
    """`service:<name>` of a service of this project."""
    name = text.removeprefix("service:")
    contract = scope.project.assignment.service(name) if scope.project.assignment else None
    if scope.under_test or (
        contract and contract.images and name in scope.project.service_names
    ):  # with its address or among its processes, one could act in its place
        scope.error(
            "witness-shared",
            msg(
                "%(service)s cannot share the network, processes or memory of %(other)s.",
                service=scope.service,
                other=name,
            ),
            msg("Reach it by its name, as other services do."),
        )
        return DROP
    if name == scope.service:
        scope.error("dependency-cycle", msg("%(service)s cannot share with itself.", service=name))
        return DROP
    if name not in scope.project.service_names:
        scope.error("service-unknown", msg("There is no service %(name)s.", name=name[:60]))
        return DROP
    return text


def _namespace(scope: Scope, node: Node, allowed: frozenset[str], code: str) -> Any:
    text = as_text(scope, node) or ""
    if text in allowed:
        return DROP if text in {"", "private"} else text
    if text.startswith("service:"):
        return own_service(scope, text)
    scope.error(
        code,
        msg("%(value)s shares a part of the host with the container.", value=text[:60]),
        msg("Remove the attribute."),
    )
    return DROP


def pid(scope: Scope, node: Node) -> Any:
    """Processes of an own service at most."""
    return _namespace(scope, node, frozenset({""}), "host-pid")


def ipc(scope: Scope, node: Node) -> Any:
    """Memory shared with an own service at most."""
    return _namespace(scope, node, frozenset({"", "private", "none", "shareable"}), "host-ipc")


def cgroup(scope: Scope, node: Node) -> Any:
    """The container's own control group."""
    return _namespace(scope, node, frozenset({"", "private"}), "host-cgroup")


def expose(scope: Scope, node: Node) -> Any:
    """A few ports; between containers it is only a remark."""
    ports = each_text(scope, node)
    good = []
    number = 0
    for text, at in ports[:MAX_PORTS]:
        match = _PORT.match(text)
        if not match or not 0 < int(match["first"]) <= int(match["last"] or match["first"]) <= 65535:
            at.error("attribute-value", msg("%(value)s is not a port.", value=text[:40]))
        else:
            good.append(text)
            number += int(match["last"] or match["first"]) - int(match["first"]) + 1
    if number > MAX_PORTS or len(ports) > MAX_PORTS:
        scope.error("too-many-ports", msg("There are more than %(limit)d ports.", limit=MAX_PORTS))
    return good or DROP


def extra_hosts(scope: Scope, node: Node) -> Any:
    """Names for loopback addresses only; others would lead out of the project, where there is no way."""
    kept = []
    lines = node.entries.items() if isinstance(node, Mapping) else ()
    written = [(n, t) for n, e in lines for t in as_texts(scope.at(n, e.line), e.node) or []]
    if isinstance(node, Sequence):
        for text in (as_texts(scope, node) or [])[:MAX_NAMES]:
            name, _, address = text.partition("=" if "=" in text else ":")
            written.append((name, address))
    for name, address in written:
        try:
            loopback = ipaddress.ip_address(address.strip("[]")).is_loopback
        except ValueError:
            loopback = False
        if loopback and HOST_NAME.matches(name):
            kept.append(f"{name}={address}")
        else:
            scope.notice("attribute-dropped", msg("%(name)s leads out of the project and is left out.", name=name[:60]))
    return kept or DROP


def links(scope: Scope, node: Node) -> Any:
    """Names for services of this project."""
    kept = []
    for text, at in each_text(scope, node)[:MAX_NAMES]:
        name, _, alias = text.partition(":")
        if name not in scope.project.service_names:
            at.error("service-unknown", msg("There is no service %(name)s.", name=name[:60]))
        elif alias and not HOST_NAME.matches(alias):
            at.error("attribute-value", HOST_NAME.complaint(alias))
        else:
            kept.append(text)
    return kept or DROP


def _aliases(scope: Scope, node: Node) -> Any:
    names = each_text(scope, node)[:MAX_NAMES]
    for name, at in names:
        if not HOST_NAME.matches(name):
            at.error("attribute-value", HOST_NAME.complaint(name))
    return [n for n, _ in names if HOST_NAME.matches(n)] or DROP


_ADDRESSES = dropped(msg("The grader chooses the addresses of its networks."))
_LEFT_OUT = dropped(msg("This attribute is left out of what the grader runs."))
_ENDPOINT: Table = {
    "aliases": _aliases,
    "priority": dropped(),
    "gw_priority": dropped(),
    "ipv4_address": _ADDRESSES,
    "ipv6_address": _ADDRESSES,
    "link_local_ips": _ADDRESSES,
    "mac_address": _ADDRESSES,
    "interface_name": _LEFT_OUT,
    "driver_opts": _LEFT_OUT,
}


def networks(scope: Scope, node: Node) -> Any:
    """The project's networks that a service joins, with its aliases."""
    kept: dict[str, Any] = {}
    if isinstance(node, Scalar) or (isinstance(node, Sequence) and any(not isinstance(i, Scalar) for i in node.items)):
        scope.error("attribute-type", msg("%(path)s must be a mapping or a list.", path=scope.path))
        return DROP
    for name, attributes, line in network_names(node):
        inner = scope.at(name, line)
        if name != "default" and name not in scope.project.network_names:
            inner.error(
                "network-undeclared",
                msg("The network %(name)s is not declared.", name=name[:60]),
                msg("Declare it under networks: at the top level."),
            )
            continue
        empty = is_null(attributes)
        kept[name] = {} if empty else judge_mapping(inner, attributes, _ENDPOINT)
    return kept or DROP
