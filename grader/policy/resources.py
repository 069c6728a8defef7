"""Top-level networks, volumes, configs and secrets: ours in the end, so hardly anything of theirs is kept."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy.document.nodes import Mapping, Node, Scalar, Sequence, is_null, text_of
from grader.policy.files import file_config, inside, relative
from grader.policy.rules import DROP, Rule, Table, dropped, items, judge_mapping, nested, refused, value
from grader.policy.values import as_bool, as_text

if TYPE_CHECKING:
    from grader.policy.scope import Scope

NAME = re.compile(r"(?:[a-zA-Z0-9]|_(?!_))[a-zA-Z0-9._-]*\Z")
MAX_RESOURCES = 50
# private networks, and those of documentation and benchmarks, which are nobody's
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10",
        "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32",
    )
)  # fmt: skip


def _external(kind: str) -> Rule:
    """Refuse what belongs to somebody else; `external: false` says nothing."""
    why = {
        "network": msg("An external network belongs to other projects of the machine."),
        "volume": msg("An external volume belongs to other projects of the machine."),
        "config": msg("An external config or secret is not part of the submission."),
    }[kind]

    def rule(scope: Scope, node: Node) -> Any:
        if isinstance(node, Mapping) or as_bool(scope, node) is not False:
            scope.error("external-" + kind, why, msg("Remove external: and let the project have its own."))
        return DROP

    return rule


def _only(code: str, allowed: frozenset[str]) -> Rule:
    def rule(scope: Scope, node: Node) -> Any:
        text = as_text(scope, node)
        if text is not None and text not in allowed:
            scope.error(
                code, msg("The driver %(driver)s is not allowed.", driver=text[:60]), msg("Remove the attribute.")
            )
        return DROP

    return rule


def _private(scope: Scope, node: Node) -> Any:
    """Addresses are chosen by the grader; a public subnet would capture traffic of the machine and is said to."""
    text = as_text(scope, node)
    if text is None:
        return DROP
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        scope.error("attribute-value", msg("%(value)s is not a subnet.", value=text[:60]))
        return DROP
    if not any(network.version == p.version and network.subnet_of(p) for p in _PRIVATE):  # type: ignore[arg-type]  # of one version
        scope.error(
            "network-public-subnet",
            msg("%(value)s is not within the private networks.", value=text[:60]),
            msg("Remove ipam:, or use a subnet such as 172.28.0.0/16."),
        )
    else:
        scope.notice("attribute-dropped", msg("The grader chooses the addresses of its networks."))
    return DROP


_IPAM_CONFIG: Table = {"subnet": _private, "ip_range": dropped(), "gateway": dropped(), "aux_addresses": dropped()}


def _ipam_configs(scope: Scope, node: Node) -> Any:
    for i, item in enumerate(items(node)):
        judge_mapping(scope.at(i, item.line), item, _IPAM_CONFIG)
    return DROP


_HARMLESS_OPTION = re.compile(
    r"(?:com\.docker\.network\.)?(?:driver\.mtu|bridge\.enable_(?:icc|ip_masquerade)|encrypted)\Z"
)
_BRIDGE = "com.docker.network.bridge.name"


def _network_options(scope: Scope, node: Node) -> Any:
    """The network is ours and has none of them; those that could have reached the host's networks are refused."""
    if not isinstance(node, Mapping):
        scope.error("attribute-type", msg("%(path)s must be a mapping (name: value).", path=scope.path))
        return DROP
    for name, entry in node.entries.items():
        inner = scope.at(name, entry.line)
        own_name = name == _BRIDGE and not re.match(r"docker|virbr|lxc|cni|podman", as_text(inner, entry.node) or "")
        if own_name or _HARMLESS_OPTION.match(name):
            inner.notice("attribute-dropped", msg("The option %(name)s is left out.", name=name[:60]))
        else:
            inner.error(
                "network-options", msg("Options of a network driver are not allowed."), msg("Remove the attribute.")
            )
    return DROP


_LEFT_OUT = dropped(msg("This attribute is left out of what the grader runs."))
_NAMED = dropped(msg("The grader gives networks, volumes and projects names of its own."))

NETWORK: Table = {
    "name": _NAMED,
    "external": _external("network"),
    "driver": _only("network-driver", frozenset({"bridge", "default", "overlay", ""})),
    "driver_opts": _network_options,
    "ipam": nested({
        "driver": _only("network-driver", frozenset({"default", ""})),
        "options": refused("network-options", msg("Options of a network driver are not allowed.")),
        "config": _ipam_configs,
    }),
    "internal": dropped(),
    "enable_ipv4": dropped(),
    "enable_ipv6": dropped(),
    "attachable": dropped(),
    "labels": _LEFT_OUT,
}  # fmt: skip


def _volume_options(scope: Scope, node: Node) -> Any:
    if isinstance(node, Mapping) and (not node.entries or _in_memory(node)):
        return DROP  # a plain volume serves as well
    folder = _bound_folder(scope, node)
    if folder:
        return folder
    scope.error(
        "volume-options",
        msg("Options of a volume can mount folders of the host or of the network."),
        msg("Remove driver_opts; a plain named volume keeps data."),
    )
    return DROP


def _texts(node: Node) -> dict[str, str]:
    """Return the values of a mapping that has only single ones, else nothing."""
    entries = node.entries.items() if isinstance(node, Mapping) else ()
    given = {n: text_of(e.node.value) for n, e in entries if isinstance(e.node, Scalar)}
    return given if len(given) == len(entries) else {}


def _bound_folder(scope: Scope, node: Node) -> str:
    """Return the folder of the submission that a volume is bound to, "" if there is none."""
    given = _texts(node)
    bound = given.get("type", "none") in {"none", "bind"} and given.get("o") in {"bind", "bind,rw"}
    if not bound or set(given) - {"type", "o", "device"} or not given.get("device", "").startswith("."):
        return ""
    path = inside(scope, given["device"])
    return "./" + relative(scope, path) if path else ""


def _in_memory(node: Mapping) -> bool:
    """Say whether the options ask for a file system in memory and nothing else."""
    given = _texts(node)
    return (
        bool(given)
        and set(given) <= {"type", "device", "o"}
        and given.get("type") == "tmpfs"
        and given.get("device", "tmpfs") in {"tmpfs", "none"}
        and re.fullmatch(r"((size|uid|gid|mode)=[0-9]+[kmg]?,?)*", given.get("o", "")) is not None
    )


VOLUME: Table = {
    "name": _NAMED,
    "external": _external("volume"),
    "driver": _only("volume-driver", frozenset({"local", ""})),
    "driver_opts": _volume_options,
    "labels": _LEFT_OUT,
}


def _file(scope: Scope, node: Node) -> Any:
    text = as_text(scope, node)
    if text is None:
        return DROP
    path = inside(scope, text)
    config = file_config(scope, path) if path else None
    return config if config else DROP


def _from_variable(scope: Scope, node: Node) -> Any:
    name = as_text(scope, node) or ""
    if name not in scope.project.variables:
        scope.error("variable-required", msg("The variable %(name)s must be set in .env and is not.", name=name[:60]))
        return DROP
    return scope.project.variables[name]


_SWARM = refused("swarm-only", msg("This attribute works in a swarm only."))
FILE: Table = {
    "file": _file,
    "content": value(as_text),
    "environment": _from_variable,
    "external": _external("config"),
    "name": dropped(),
    "labels": _LEFT_OUT,
    "driver": _SWARM,
    "driver_opts": _SWARM,
    "template_driver": _SWARM,
}


def judge_section(scope: Scope, node: Node | None, table: Table) -> dict[str, dict[str, Any]]:
    """Judge a top-level section and return the judged attributes by name."""
    if node is None or is_null(node):
        return {}
    if not isinstance(node, Mapping):
        scope.error("attribute-type", msg("%(path)s must be a mapping (name: value).", path=scope.path))
        return {}
    if len(node.entries) > MAX_RESOURCES:
        scope.error("too-many", msg("%(path)s has more than %(limit)d entries.", path=scope.path, limit=MAX_RESOURCES))
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name, entry in node.entries.items():
        inner = scope.at(name, entry.line)
        if not NAME.match(name) or len(name) > 80:
            inner.error("name-malformed", msg("%(name)s is not a name that can be used here.", name=name[:80]))
            continue
        found[name] = {} if is_null(entry.node) else judge_mapping(inner, entry.node, table)
    return found


def judge_files(scope: Scope, node: Node | None) -> None:
    """Judge top-level configs or secrets and register each one's content under a name of ours."""
    kind = scope.path
    for name, found in judge_section(scope, node, FILE).items():
        if "file" in found:
            scope.project.named_files[f"{kind}:{name}"], mode = found["file"]
            if mode == "0555":
                scope.project.programs.add(found["file"][0])
        elif "content" in found or "environment" in found:
            own = f"{kind[:-1]}-{len(scope.project.named_files) + 1}"
            scope.project.files[own] = found.get("content", found.get("environment", ""))
            scope.project.named_files[f"{kind}:{name}"] = own


def network_names(node: Node) -> list[tuple[str, Node, int]]:
    """Return (name, attributes, line) of a service's `networks` in either form."""
    if isinstance(node, Mapping):
        return [(n, e.node, e.line) for n, e in node.entries.items()]
    if isinstance(node, Sequence):
        return [(text_of(i.value), Mapping(), i.line) for i in node.items if isinstance(i, Scalar)]
    return []
