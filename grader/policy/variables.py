"""Variables that an image ends without, ends with, or does not know, since they are those of another publisher's image.

Looked up in the entry scripts of the images; only what the compose file itself shows is said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.model.text import Text, msg
from grader.policy import bitnami, course_kafka
from grader.policy.course_kafka import APACHE, CONFLUENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from grader.policy.image import Image
    from grader.policy.judged import Judged
    from grader.policy.scope import Scope

_ZOOKEEPER = "confluentinc/cp-zookeeper"
_REFUSED_BY_RABBITMQ = re.compile(
    r"RABBITMQ_(VM_MEMORY_HIGH_WATERMARK|DEFAULT_(USER|PASS)_FILE"
    r"|(MANAGEMENT_)?SSL_(CACERTFILE|CERTFILE|DEPTH|FAIL_IF_NO_PEER_CERT|KEYFILE|VERIFY))\Z"
)
_SETTINGS = "KAFKA_CFG_"
_ROLES = "KAFKA_PROCESS_ROLES"
_EXAMPLES = {
    "POSTGRES_PASSWORD": "…",
    "CLUSTER_ID": "5L6g3nShT-eMCtK--X86sw",
    "KAFKA_ZOOKEEPER_CONNECT": "zookeeper:2181",
    _ROLES: "broker,controller",
    "ZOOKEEPER_CLIENT_PORT": "2181",
    "ZOOKEEPER_SERVER_ID": "1",
}
# variable -> what is written instead ("" where nothing is)
_WURSTMEISTER = {
    "KAFKA_ADVERTISED_HOST_NAME": "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_ADVERTISED_PORT": "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_CREATE_TOPICS": "",
}
_OFFICIAL_ZOOKEEPER = {
    "ZOO_MY_ID": "ZOOKEEPER_SERVER_ID",
    "ZOO_INIT_LIMIT": "ZOOKEEPER_INIT_LIMIT",
    "ZOO_SYNC_LIMIT": "ZOOKEEPER_SYNC_LIMIT",
    "ZOO_MAX_CLIENT_CNXNS": "ZOOKEEPER_MAX_CLIENT_CNXNS",
    "ZOO_STANDALONE_ENABLED": "",
}


def _families() -> dict[str, dict[str, str]]:
    """Return for each image the variables of others that mean nothing to it."""
    found: dict[str, dict[str, str]] = {
        APACHE: dict(_WURSTMEISTER),
        CONFLUENT: dict(_WURSTMEISTER),
        _ZOOKEEPER: dict(_OFFICIAL_ZOOKEEPER),
    }
    for replacement in bitnami.REPLACEMENTS.values():
        upstream = replacement.image.partition(":")[0]
        found[upstream] = found.get(upstream, {}) | dict(replacement.variables)
    found[CONFLUENT] |= found[APACHE]
    return found


FAMILIES = _families()


def missing(scope: Scope, one: Judged) -> None:
    """Without some variables an image's entry script ends the container at once."""
    image = course_kafka.image_of(one)
    if image is None or one.build or not course_kafka.by_its_own_script(one, image):
        return
    environment = one.emitted.get("environment", {})
    meant = _meant(one, image)  # what is said in another image's words is said already
    given = {name for name, text in environment.items() if text} | {meant[name] for name in meant}
    lacking = list(_lacking(scope, one, image, given))
    if lacking:
        scope.at("environment", one.place("environment")).warn(
            "variable-missing",
            msg(
                "%(service)s does not set %(names)s, without which %(image)s does not serve.",
                service=one.name,
                names=", ".join(lacking),
                image=image.name,
            ),
            _examples(one.name, image, lacking),
        )


def _examples(service: str, image: Image, lacking: list[str]) -> Text:
    if image.upstream == APACHE:
        return course_kafka.whole(service)
    examples = {**_EXAMPLES, "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{service}:9092"}
    return msg("Write under environment: %(lines)s", lines=", ".join(f"{name}: {examples[name]}" for name in lacking))


def _lacking(scope: Scope, one: Judged, image: Image, given: set[str]) -> Iterator[str]:
    match image.upstream:
        case "postgres":
            trusted = one.emitted.get("environment", {}).get("POSTGRES_HOST_AUTH_METHOD") == "trust"
            if not trusted and not {"POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE"} & given:
                yield "POSTGRES_PASSWORD"
        case course_kafka.CONFLUENT:
            yield from _lacking_in_confluents(one, image, given)
        case course_kafka.APACHE:
            found = course_kafka.set_up(scope, one, image)
            if "process.roles" not in found.properties and not {_ROLES, "KAFKA_ZOOKEEPER_CONNECT"} & given:
                yield _ROLES
        case "confluentinc/cp-zookeeper":
            if not {"ZOOKEEPER_CLIENT_PORT", "ZOOKEEPER_SECURE_CLIENT_PORT"} & given:
                yield "ZOOKEEPER_CLIENT_PORT"
            elif "ZOOKEEPER_SERVERS" in given and "ZOOKEEPER_SERVER_ID" not in given:
                yield "ZOOKEEPER_SERVER_ID"


def _lacking_in_confluents(one: Judged, image: Image, given: set[str]) -> Iterator[str]:
    release = course_kafka.major(image)
    roles = one.emitted.get("environment", {}).get(_ROLES, "")
    with_zookeeper = release is not None and release < course_kafka.FIRST_WITHOUT_ZOOKEEPER
    if roles:
        needed = ["CLUSTER_ID"]
    elif with_zookeeper:
        needed = ["KAFKA_ZOOKEEPER_CONNECT"]
    elif "KAFKA_ZOOKEEPER_CONNECT" in given:
        return  # that it knows no ZooKeeper is said already
    else:
        needed = [_ROLES, "CLUSTER_ID"]
    if roles != "controller":
        needed.append("KAFKA_ADVERTISED_LISTENERS")
    yield from (name for name in needed if name not in given)


def refused(scope: Scope, one: Judged) -> None:
    """RabbitMQ's image ends at once with variables of its past."""
    image = course_kafka.image_of(one)
    if image is None or image.upstream != "rabbitmq" or "entrypoint" in one.emitted:
        return
    for name, text in one.emitted.get("environment", {}).items():
        if text and _REFUSED_BY_RABBITMQ.match(name):
            scope.at("environment", one.place("environment")).at(name).warn(
                "variable-refused",
                msg(
                    "%(service)s sets %(name)s, with which %(image)s ends at once.",
                    service=one.name,
                    name=name,
                    image=image.name,
                ),
                msg(
                    "Take it out: users are RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS, the rest stands in a file "
                    "that is mounted at /etc/rabbitmq/conf.d/20-own.conf (vm_memory_high_watermark.relative = 0.6)."
                ),
            )


def foreign(scope: Scope, one: Judged) -> None:
    """Variables of another publisher's image say nothing to this one."""
    image = course_kafka.image_of(one)
    if image is None:
        return
    meant = _meant(one, image)
    if not meant:
        return
    first = next(iter(meant))
    scope.at("environment", one.place("environment")).at(first).add(
        "warning" if any(meant.values()) else "notice",  # what is only left over does no harm
        "variable-foreign",
        msg(
            "%(service)s sets %(names)s, which another publisher's image knows and %(image)s does not.",
            service=one.name,
            names=", ".join(meant),
            image=image.name,
        ),
        _rewritten(meant),
    )


def _rewritten(meant: Mapping[str, str]) -> Text:
    written = ", ".join(f"{name} → {instead}" for name, instead in meant.items() if instead)
    dropped = ", ".join(name for name, instead in meant.items() if not instead)
    if written and dropped:
        return msg("Write instead: %(new)s. Leave out: %(old)s.", new=written, old=dropped)
    if written:
        return msg("Write instead: %(new)s.", new=written)
    return msg("Leave out: %(old)s.", old=dropped)


def _meant(one: Judged, image: Image) -> dict[str, str]:
    """Return the variables of others that a service sets: name -> what is written instead, "" where nothing is."""
    family = FAMILIES.get(image.upstream, {})
    # what the service's own commands read is theirs, whatever it is called
    used = repr([one.emitted.get(name) for name in ("command", "entrypoint", "healthcheck")])
    names = (name for name in one.emitted.get("environment", {}) if name not in used)
    return {name: instead for name in names if (instead := _instead(family, name)) is not None}


def renamed(image: str, names: Iterable[str]) -> str:
    """Return how variables of others are called in an image of the catalogue, "" where none of them is another's."""
    family = FAMILIES.get(image.partition(":")[0], {})
    return ", ".join(f"{name} → {instead}" for name in names if (instead := _instead(family, name)))


def _instead(family: Mapping[str, str], name: str) -> str | None:
    """Return what is written instead of a variable, "" where nothing is, None for one that is not foreign."""
    if name.startswith(_SETTINGS) and f"{_SETTINGS}*" in family:
        return f"KAFKA_{name.removeprefix(_SETTINGS)}"
    return family.get(name)
