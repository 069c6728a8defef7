"""One service: judged by the table, then hardened: what comes out is all that Compose will be told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy import forms
from grader.policy.bitnami import Sets
from grader.policy.build import judge_build
from grader.policy.document.nodes import Mapping, Node, Scalar, text_of
from grader.policy.environment import judge_env_file
from grader.policy.evidence import not_built_elsewhere, right_image
from grader.policy.image import parse
from grader.policy.image_names import judge_image
from grader.policy.judged import Judged
from grader.policy.mounts import split
from grader.policy.ports import container_ports, fixed_port_line
from grader.policy.rules import judge_mapping
from grader.policy.service_table import SERVICE

if TYPE_CHECKING:
    from grader.model.plan import Build
    from grader.policy.scope import Scope

CAP_DROP = ("AUDIT_WRITE", "MKNOD", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT")  # official images need the others
KEPT = (
    "attach", "command", "entrypoint", "expose", "extra_hosts", "group_add", "hostname", "init", "ipc", "links",
    "network_mode", "pid", "read_only", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "sysctls",
    "tmpfs", "tty", "ulimits", "user", "volumes_from", "working_dir", "depends_on",
)  # fmt: skip
MAX_ATTEMPTS = 1000
_DANGEROUS = frozenset({"cap_add"})  # what it asks for matters more than how


def judge_service(scope: Scope, node: Node) -> Judged | None:
    """Judge one service and harden it; returns None if it is no mapping."""
    if not isinstance(node, Mapping):
        scope.error("attribute-type", msg("%(path)s must be a mapping (name: value).", path=scope.path))
        return None
    wrong = forms.check(scope, node, forms.SERVICE) - _DANGEROUS
    # what is of no form that Compose takes has been said; to judge its value would say it twice
    sound = Mapping({name: entry for name, entry in node.entries.items() if name not in wrong}, node.line)
    found = judge_mapping(scope, sound, SERVICE)
    lines = {name: entry.line for name, entry in node.entries.items()}
    if isinstance(waits := node.get("depends_on"), Mapping):
        lines |= {f"depends_on.{name}": entry.line for name, entry in waits.entries.items()}
    environment = found.get("environment", {})
    files = (
        judge_env_file(scope.at("env_file", lines["env_file"]), found["env_file"], environment)
        if "env_file" in found
        else {}
    )
    found["environment"] = {n: text for n, text in {**files, **environment}.items() if text is not None}
    _said_twice(scope, found, lines)
    image, build, images = _image(scope, found, lines, said=bool(wrong & {"image", "build"}))
    emitted: dict[str, Any] = {"image": image}
    emitted.update({name: found[name] for name in KEPT if name in found})
    if found["environment"]:
        emitted["environment"] = found["environment"]
    _exposed(found, emitted)
    _mounts(scope, found, emitted)
    _networks(scope, found, emitted)
    deploy = found.get("deploy", {})
    emitted["restart"] = _restart(found, deploy)
    emitted.update(_hardened(scope, found, deploy.get("resources", {}).get("limits", {})))
    if "healthcheck" in found:
        emitted["healthcheck"] = found["healthcheck"]
    replicas = deploy.get("replicas", found.get("scale", 1))
    return Judged(
        name=scope.service,
        line=scope.line,
        emitted=emitted,
        replicas=replicas,
        replicas_written="replicas" in deploy or "scale" in found,
        lines=lines,
        container_name=found.get("container_name", ""),
        fixed_port_line=fixed_port_line(scope.at("ports", lines["ports"]), found["ports"]) if "ports" in found else 0,
        profiles=tuple(found.get("profiles", ())),
        images=images,
        build=build,
    )


def _said_twice(scope: Scope, found: dict[str, Any], lines: dict[str, int]) -> None:
    """Refuse what a service says of itself in two places that differ, as Compose does."""
    deploy = found.get("deploy", {})
    limits = deploy.get("resources", {}).get("limits")
    pairs = [("scale", deploy.get("replicas"), "deploy.replicas")]
    if limits is not None:
        places = {"cpus": "cpus", "mem_limit": "memory", "pids_limit": "pids"}
        pairs += [(name, limits.get(other, 0), f"deploy.resources.limits.{other}") for name, other in places.items()]
    for name, other, place in pairs:
        if name in found and other is not None and found[name] != other and (found[name] or name == "scale"):
            scope.at(name, lines[name]).error(
                "attribute-twice", msg("%(name)s and %(place)s say different things.", name=name, place=place)
            )


def _image(
    scope: Scope, found: dict[str, Any], lines: dict[str, int], *, said: bool
) -> tuple[str, Build | None, tuple[str, ...]]:
    """Return what the service runs: a name of the catalogue, or "build:<service>" for what is built here.

    said: that it names none rightly has been said.
    """
    if "build" in found:
        build = judge_build(scope.at("build", lines["build"]), found["build"])
        if build:
            scope.project.builds.append(build)
        return f"build:{scope.service}", build, build.base_images if build else ()
    written = found.get("image")
    if not written:
        if not said:
            scope.error(
                "image-missing",
                msg("%(service)s has neither image: nor build:.", service=scope.service),
                msg("Say what it runs."),
            )
        return "", None, ()
    at = scope.at("image", lines["image"])
    builder = scope.project.built_images.get(image_key(written))
    if builder:
        if scope.under_test:  # it would run what another service builds, under the name of a catalogue image
            not_built_elsewhere(at)
        return f"build:{builder}", None, ()
    sets = Sets(
        variables=tuple(found["environment"]),
        targets=tuple(mount["target"] for mount in found.get("volumes", [])),
    )
    if scope.under_test:
        image = parse(written)
        return (image.name, None, (image.name,)) if image and right_image(at, written, sets) else ("", None, ())
    image = judge_image(at, written, sets)
    return (image.name, None, (image.name,)) if image else ("", None, ())


def image_key(written: str) -> str:
    """Return the form by which a built image's name is shared within a project."""
    image = parse(written)
    return image.name if image else written


def built_image_name(node: Node) -> str | None:
    """Return the student's own name for the image that this service builds, if it says one."""
    if isinstance(node, Mapping) and node.get("build") is not None:
        image = node.get("image")
        if isinstance(image, Scalar) and image.value is not None:
            return image_key(text_of(image.value))
    return None


def _mounts(scope: Scope, found: dict[str, Any], emitted: dict[str, Any]) -> None:
    volumes, configs = split(found.get("volumes", []))
    configs = [*found.get("configs", []), *found.get("secrets", []), *configs]
    if volumes:
        emitted["volumes"] = volumes
    if configs:
        emitted["configs"] = configs
        if emitted.pop("read_only", False):  # Compose puts contents in after the container is made
            scope.notice(
                "attribute-dropped", msg("read_only is left out where single files are put into the container.")
            )
    targets = [m["target"] for m in [*volumes, *configs]]
    for twice in sorted({t for t in targets if targets.count(t) > 1}):
        scope.error("mount-target", msg("Two things are mounted at %(target)s.", target=twice))


def _exposed(found: dict[str, Any], emitted: dict[str, Any]) -> None:
    """Ports are never published, but the container's side of them is kept; engines refuse it with a foreign network."""
    ports = [*found.get("expose", []), *(container_ports(found["ports"]) if "ports" in found else [])]
    emitted.pop("expose", None)
    if ports and "network_mode" not in found:
        emitted["expose"] = list(dict.fromkeys(ports))


def _networks(scope: Scope, found: dict[str, Any], emitted: dict[str, Any]) -> None:
    """Join the networks named, or `default`; a container_name stays reachable as a name."""
    if "network_mode" in found:
        if "networks" in found:
            scope.error("network-mode", msg("network_mode and networks exclude each other."))
        return
    name = found.get("container_name")
    joined: dict[str, Any] = {}
    for network, attributes in (found.get("networks") or {"default": {}}).items():
        aliases = list(dict.fromkeys([*attributes.get("aliases", []), *([name] if name else [])]))
        joined[network] = {"aliases": aliases} if aliases else {}
    emitted["networks"] = joined


def _restart(found: dict[str, Any], deploy: dict[str, Any]) -> str:
    """Return the restart policy; that of `deploy` wins, as in Compose."""
    policy = deploy.get("restart_policy")
    if policy is None:
        return str(found.get("restart", "no"))
    condition = policy.get("condition", "any")
    if condition == "none":
        return "no"
    if condition == "on-failure":
        attempts = min(policy.get("max_attempts", 0), MAX_ATTEMPTS)
        return f"on-failure:{attempts}" if attempts > 0 else "on-failure"
    return "unless-stopped"


def _hardened(scope: Scope, found: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Return limits and rights: the smaller of the student's and the assignment's, in one form only."""
    limits = scope.project.limits
    dropped = {*CAP_DROP, *found.get("cap_drop", [])}
    added = sorted(set(found.get("cap_add", [])) - set(CAP_DROP))
    memory = _smaller(limits.memory_mib << 20, theirs.get("memory", found.get("mem_limit")), at_least=6 << 20)
    return {
        "mem_limit": memory,
        "memswap_limit": memory,
        "cpus": _smaller(limits.cpus, theirs.get("cpus", found.get("cpus")), at_least=0.01),
        "pids_limit": _smaller(limits.pids, theirs.get("pids", found.get("pids_limit"))),
        "security_opt": ["no-new-privileges:true"],
        "cap_drop": sorted(dropped),
        # what is default already need not be added, unless everything is given up first
        **({"cap_add": added} if added and "ALL" in dropped else {}),
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "2"}},
        "pull_policy": "never",
    }


def _smaller(ours: float, theirs: float | None, at_least: float = 0) -> Any:
    """Return the smaller of two limits; zero, negative and missing mean "none" in Compose."""
    return ours if theirs is None or theirs <= 0 else max(min(ours, theirs), at_least)
