"""The final compose file: the plan's model with the names, labels and addresses of one stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BUILT = "build:"
# All containers of a submission together; up to sixteen of the usual size it changes nothing.
TOTAL_MEMORY = 8 << 30


def built_image(project: str, service: str) -> str:
    """Return the name of the image that a project builds for a service."""
    return f"grader.local/build/{project}-{service.lower()}:run"


def networks_of(service: Mapping[str, Any]) -> list[str]:
    """Return the names of the networks that a service of the model is on; [] when it has no network of its own."""
    if service.get("network_mode"):
        return []
    return list(service.get("networks") or ["default"])


def needed_networks(model: Mapping[str, Any]) -> list[str]:
    """Return every network that some service of the model is on, in the model's order."""
    used = {name for service in model["services"].values() for name in networks_of(service)}
    declared = [name for name in model.get("networks") or {} if name in used]
    return declared + sorted(used - set(declared))


def final_model(
    model: Mapping[str, Any],
    *,
    project: str,
    labels: Mapping[str, str],
    networks: Mapping[str, str],
    volumes: Mapping[str, str],
    resolvers: Mapping[str, str],
) -> dict[str, Any]:
    """Return what Compose is given.

    networks, volumes: name in the plan -> real name of what we have made. resolvers: name of a network in the plan ->
    address of the gateway there, which every service asks for names.
    """
    services = {}
    for name, planned in model["services"].items():
        service = {key: value for key, value in planned.items() if key != "build"}
        image = str(service.get("image", ""))
        if image.startswith(_BUILT):
            service["image"] = built_image(project, image.removeprefix(_BUILT))
        service["pull_policy"] = "never"
        service["labels"] = {**(service.get("labels") or {}), **labels}
        if on := networks_of(service):
            service.setdefault("networks", on)
            service["dns"] = [resolvers[on[0]]]
        services[name] = service
    _share_memory(services)
    rest = {key: value for key, value in model.items() if key not in {"services", "networks", "volumes", "name"}}
    return {
        "services": services,
        "networks": {name: {"external": True, "name": real} for name, real in networks.items()},
        "volumes": {name: {"external": True, "name": real} for name, real in volumes.items()},
        **rest,
    }


def _share_memory(services: dict[str, dict[str, Any]]) -> None:
    """Lower the limits of single containers where many of them could together use up the host."""
    share = TOTAL_MEMORY // max(1, sum(service.get("scale", 1) for service in services.values()))
    for service in services.values():
        for limit in {"mem_limit", "memswap_limit"} & service.keys():
            service[limit] = min(service[limit], share)


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and every string in quotes: what is a string to us must not become a number to Compose."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's hook
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_Dumper.add_representer(str, _quoted)


def write(model: Mapping[str, Any], path: Path) -> None:
    """Write a model as YAML."""
    path.write_text(yaml.dump(dict(model), Dumper=_Dumper, sort_keys=False, width=1_000_000), "utf-8")
