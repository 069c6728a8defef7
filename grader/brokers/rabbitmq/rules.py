"""What a submission may set on RabbitMQ, and the mistakes of the course's own examples."""

from __future__ import annotations

from grader.brokers.rules import BITNAMI, Refused, Replacement, Rules, Variables
from grader.brokers.seen import Remark, Seen
from grader.brokers.store import Store
from grader.model.text import msg

_DATA = "/var/lib/rabbitmq"
_CONFIGURATION = "/etc/rabbitmq"
_USER = ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS")


def _is_ours(seen: Seen) -> bool:
    """Say whether a service is a broker of ours, by the contract or by the image at its root."""
    if seen.role:
        return seen.role == "rabbitmq"
    return not seen.built and seen.image is not None and seen.image.upstream == "rabbitmq"


def _has_data_volume(seen: Seen) -> bool:
    return any(
        m.get("source") and (m["target"] == _DATA or m["target"].startswith(_DATA + "/"))
        for m in seen.emitted.get("volumes", [])
    )


def without_volume(seen: Seen) -> Remark | None:
    """Queues of a broker without a named volume end with its container."""
    if not _is_ours(seen) or _has_data_volume(seen):
        return None
    return Remark(
        severity="notice",
        code="broker-without-volume",
        message=msg(
            "%(service)s has no named volume: docker compose down and up loses every queue and message.",
            service=seen.name,
        ),
        remedy=msg("Mount a named volume at /var/lib/rabbitmq."),
    )


def without_hostname(seen: Seen) -> Remark | None:
    """RabbitMQ keeps its data below its node's name, which is the container's host name."""
    named = "hostname" in seen.emitted or "RABBITMQ_NODENAME" in seen.environment
    if not _is_ours(seen) or not _has_data_volume(seen) or named:
        return None
    return Remark(
        severity="notice",
        code="broker-without-hostname",
        message=msg(
            "%(service)s has a volume but no hostname: a new container does not find the old data.", service=seen.name
        ),
        remedy=msg("Write hostname: %(service)s.", service=seen.name),
    )


def user_not_declared(seen: Seen) -> Remark | None:
    """Without RABBITMQ_DEFAULT_USER and _PASS only guest may log in."""
    missing = [name for name in _USER if not seen.environment.get(name)]
    own_configuration = any(
        _CONFIGURATION in str(m["target"]) for m in [*seen.emitted.get("configs", []), *seen.emitted.get("volumes", [])]
    )
    if not _is_ours(seen) or not missing or own_configuration or seen.built:
        return None
    return Remark(
        code="broker-user-not-declared",
        message=msg(
            "%(service)s does not set %(missing)s: only guest exists, and other logins are refused (403).",
            service=seen.name,
            missing=", ".join(missing),
        ),
        remedy=msg("Set RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS under environment:."),
    )


_BITNAMI = {
    **BITNAMI,
    "RABBITMQ_USERNAME": "RABBITMQ_DEFAULT_USER",
    "RABBITMQ_PASSWORD": "RABBITMQ_DEFAULT_PASS",
    "RABBITMQ_VHOST": "RABBITMQ_DEFAULT_VHOST",
    "RABBITMQ_NODE_NAME": "RABBITMQ_NODENAME",
    "RABBITMQ_NODE_TYPE": "",
    "RABBITMQ_MANAGEMENT_ALLOW_WEB_ACCESS": "",
    "RABBITMQ_MANAGEMENT_PORT_NUMBER": "",
    "RABBITMQ_PLUGINS": "",
    "RABBITMQ_SECURE_PASSWORD": "",
}
RULES = Rules(
    runs=(
        r"rabbitmq-plugins\s+enable(\s+--(offline|online|all))?(\s+[a-z0-9_]+)+\Z",
        "RUN rabbitmq-plugins enable",
    ),
    url="amqp://rabbitmq:5672",
    variables={
        "rabbitmq": Variables(
            foreign=_BITNAMI,
            refused=Refused(
                # variables of its past
                r"RABBITMQ_(VM_MEMORY_HIGH_WATERMARK|DEFAULT_(USER|PASS)_FILE"
                r"|(MANAGEMENT_)?SSL_(CACERTFILE|CERTFILE|DEPTH|FAIL_IF_NO_PEER_CERT|KEYFILE|VERIFY))\Z",
                msg(
                    "Take it out: users are RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS, the rest stands in a file "
                    "that is mounted at /etc/rabbitmq/conf.d/20-own.conf (vm_memory_high_watermark.relative = 0.6)."
                ),
            ),
        )
    },
    stores={
        "rabbitmq": Store(
            homes=(_DATA,),
            whole=(f"{_DATA}/mnesia", "/var/log/rabbitmq"),
            variables=(
                "RABBITMQ_MNESIA_BASE", "RABBITMQ_MNESIA_DIR", "RABBITMQ_LOG_BASE", "RABBITMQ_QUORUM_DIR",
                "RABBITMQ_STREAM_DIR", "RABBITMQ_SCHEMA_DIR",
            ),
            own=(".erlang.cookie", "mnesia"),
        )
    },
    gone={
        "rabbitmq": Replacement(
            image="rabbitmq:4-management",
            variables=_BITNAMI,
            folders={"/bitnami/rabbitmq/mnesia": _DATA, "/bitnami": _DATA},
        )
    },
    lints=(without_volume, without_hostname, user_not_declared),
)  # fmt: skip
