"""The contract: which services must be there, what cannot start as often as it must."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy.near import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grader.model.assignment import Assignment, ContractService
    from grader.policy.judged import Judged
    from grader.policy.scope import Scope


def missing_services(services: Scope, names: Iterable[str]) -> None:
    """Refuse a submission without a service that the contract demands."""
    assignment = services.project.assignment
    if assignment is None:
        return
    present = list(names)
    others = [n for n in present if assignment.service(n) is None]
    for alternatives in assignment.demanded():
        if any(wanted.name in present for wanted in alternatives):
            continue
        meant = ((near, wanted.name) for wanted in alternatives if (near := nearest(wanted.name, others)))
        near, name = next(meant, ("", alternatives[0].name))
        several = len(alternatives) > 1
        services.error(
            "service-missing",
            msg(
                "None of these services is there, and one of them must be: %(services)s.",
                services=", ".join(wanted.name for wanted in alternatives),
            )
            if several
            else msg("The service %(service)s is not there.", service=name),
            msg("Call %(meant)s %(service)s, if it is meant.", meant=near, service=name)
            if near
            else msg("Add one of them: %(services)s.", services=", ".join(map(_described, alternatives)))
            if several
            else msg("Add a service called %(service)s.", service=name),
        )


def _described(service: ContractService) -> str:
    return f"{service.name} ({', '.join(service.images) or service.role})"


def not_started(assignment: Assignment, services: Mapping[str, Judged]) -> set[str]:
    """Return the services that stand in a profile although the contract demands them: of several the first one."""
    found = set()
    for alternatives in assignment.demanded():
        there = [services[wanted.name] for wanted in alternatives if wanted.name in services]
        if there and all(one.profiles for one in there):
            found.add(there[0].name)
    return found


def references(judged: Judged) -> set[str]:
    """Return the services that a service cannot do without."""
    emitted = judged.emitted
    found = {n for n, d in emitted.get("depends_on", {}).items() if d.get("required", True)}
    found |= {
        str(emitted[a]).removeprefix("service:")
        for a in ("network_mode", "ipc", "pid")
        if str(emitted.get(a, "")).startswith("service:")
    }
    found |= {text.partition(":")[0] for text in [*emitted.get("volumes_from", []), *emitted.get("links", [])]}
    image = str(emitted["image"])
    if image.startswith("build:"):
        found.add(image.removeprefix("build:"))
    return found - {judged.name}


def needed(services: dict[str, Judged], begin: Iterable[str]) -> set[str]:
    """Return the services that those of `begin` lead to, themselves included."""
    found: set[str] = set()
    todo = [n for n in begin if n in services]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [n for n in references(services[name]) if n in services]
    return found


def wanted_replicas(scope: Scope, judged: Judged) -> int:
    """Return how many containers run: the contract's number unless the student wrote one."""
    contract = scope.contract
    if contract is None or judged.replicas >= contract.replicas:
        return judged.replicas
    if not judged.replicas_written:
        scope.notice(
            "replicas-from-contract",
            msg(
                "%(service)s runs in %(number)d containers, as the assignment says.",
                service=judged.name,
                number=contract.replicas,
            ),
            msg(
                "Write deploy: replicas: %(number)d, so that it does so on your machine too.", number=contract.replicas
            ),
        )
        return contract.replicas
    scope.warn(
        "replicas-too-few",
        msg(
            "%(service)s has %(number)d containers; the assignment demands %(wanted)d.",
            service=judged.name,
            number=judged.replicas,
            wanted=contract.replicas,
        ),
        msg("Write deploy: replicas: %(number)d.", number=contract.replicas),
    )
    return judged.replicas


def cannot_start(scope: Scope, judged: Judged, replicas: int) -> None:
    """Name what keeps Compose from starting several containers of a service."""
    if replicas < 2:
        return
    if judged.container_name:
        scope.at("container_name", judged.place("container_name")).warn(
            "replicas-cannot-start",
            msg(
                "container_name is one name, and %(service)s has %(number)d containers: Compose refuses to start them.",
                service=judged.name,
                number=replicas,
            ),
            msg("Remove container_name."),
        )
    if judged.fixed_port_line:
        scope.at("ports", judged.fixed_port_line).warn(
            "replicas-cannot-start",
            msg(
                "A port of the host can be had once, and %(service)s has %(number)d containers: only one starts.",
                service=judged.name,
                number=replicas,
            ),
            msg("Remove the published port, or publish only the container's port."),
        )


def names_taken(scope: Scope, judged: Judged, names: set[str]) -> None:
    """No service may answer to another one's name."""
    aliases: list[tuple[str, str]] = []
    joined: dict[str, Any] = judged.emitted.get("networks", {})
    for attributes in joined.values():
        for alias in attributes.get("aliases", []):
            own = "container_name" if alias == judged.container_name else "networks"
            aliases.append((own, alias))
    if "hostname" in judged.emitted:  # within the container, the part before the first dot is a name as well
        hostname = judged.emitted["hostname"]
        aliases += [("hostname", name) for name in dict.fromkeys((hostname, hostname.partition(".")[0]))]
    aliases += [("extra_hosts", text.partition("=")[0]) for text in judged.emitted.get("extra_hosts", [])]
    for link in judged.emitted.get("links", []):
        target, _, alias = link.partition(":")
        if alias and alias != target:
            aliases.append(("links", alias))
    lowered = {n.lower() for n in names if n != judged.name}
    for attribute, alias in aliases:
        if alias.lower() in lowered:
            scope.at(attribute, judged.place(attribute)).error(
                "name-taken",
                msg(
                    "%(service)s calls itself %(alias)s, which is the name of another service.",
                    service=judged.name,
                    alias=alias,
                ),
                msg("Choose a name that no service has."),
            )
