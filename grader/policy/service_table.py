"""The table of a service's attributes: each is judged by one rule, and what is not here is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy import network_rules as network
from grader.policy import service_rules as rule
from grader.policy.environment import judge_environment
from grader.policy.file_rules import files
from grader.policy.health import judge_healthcheck
from grader.policy.mounts import judge_tmpfs, judge_volumes
from grader.policy.rules import (
    DROP,
    Table,
    dropped,
    nested,
    refused,
    refused_if_true,
    refused_unless,
    text_of_shape,
    value,
)
from grader.policy.values import Shape, as_bool, as_bytes, as_int, as_text, as_texts

if TYPE_CHECKING:
    from grader.policy.document.nodes import Node
    from grader.policy.scope import Scope

_REMOVE = msg("Remove the attribute.")
_LIMITED = dropped()  # the grader sets the limits of every container and says so in the handout
_LEFT_OUT = dropped(msg("This attribute is left out of what the grader runs."))
_DEVICES = refused("host-devices", msg("Devices of the host are not given to containers."), _REMOVE)
_HOOKS = refused(
    "lifecycle-hook",
    msg("Hooks can run with more rights than the container."),
    msg("Do it in the container's own command."),
)


def _deferred(_scope: Scope, node: Node) -> Any:
    """Judged elsewhere with more knowledge (see `grader.policy.service`)."""
    return node


def _platform(scope: Scope, _node: Node) -> Any:
    scope.notice("attribute-dropped", msg("The platform is that of the grader's machine."))
    return DROP


def _driver(scope: Scope, node: Node) -> Any:
    scope.notice("attribute-dropped", msg("Logs are kept by the grader."))
    del node
    return DROP


_RESTART_POLICY: Table = {
    "condition": value(as_text),
    "max_attempts": value(as_int),
    "delay": dropped(),
    "window": dropped(),
}
_RESOURCES: Table = {
    "limits": nested({"cpus": rule.cpus, "memory": value(as_bytes), "pids": value(as_int)}),
    "reservations": nested(
        {"cpus": dropped(), "memory": dropped(), "generic_resources": dropped(), "devices": _DEVICES}
    ),
}
DEPLOY: Table = {
    "replicas": rule.replicas,
    "resources": nested(_RESOURCES),
    "restart_policy": nested(_RESTART_POLICY),
    "mode": dropped(),
    "endpoint_mode": dropped(),
    "placement": dropped(),
    "update_config": dropped(),
    "rollback_config": dropped(),
    "labels": _LEFT_OUT,
}

SERVICE: Table = {
    "annotations": _LEFT_OUT,
    "attach": value(as_bool),
    "blkio_config": _LEFT_OUT,
    "build": _deferred,
    "cap_add": rule.cap_add,
    "cap_drop": rule.cap_drop,
    "cgroup": network.cgroup,
    "cgroup_parent": refused("cgroup-parent", msg("cgroup_parent leaves the limits of the container."), _REMOVE),
    "command": rule.command,
    "configs": files("configs"),
    "container_name": network.container_name,
    "cpu_count": _LIMITED,
    "cpu_percent": _LIMITED,
    "cpu_period": _LIMITED,
    "cpu_quota": _LIMITED,
    "cpu_rt_period": refused("real-time", msg("Real-time scheduling starves the host."), _REMOVE),
    "cpu_rt_runtime": refused("real-time", msg("Real-time scheduling starves the host."), _REMOVE),
    "cpu_shares": _LIMITED,
    "cpus": rule.cpus,
    "cpuset": _LIMITED,
    "credential_spec": refused("host-file", msg("credential_spec reads files of the host."), _REMOVE),
    "depends_on": rule.depends_on,
    "deploy": nested(DEPLOY),
    "develop": _LEFT_OUT,
    "device_cgroup_rules": _DEVICES,
    "devices": _DEVICES,
    "dns": dropped(msg("Names are resolved by the grader's network.")),
    "dns_opt": _LEFT_OUT,
    "dns_search": _LEFT_OUT,
    "domainname": _LEFT_OUT,
    "entrypoint": rule.command,
    "env_file": _deferred,
    "environment": judge_environment,
    "expose": network.expose,
    "extends": dropped(),  # written out before anything is judged (see `grader.policy.extends`)
    "external_links": refused(
        "foreign-container", msg("external_links reaches containers of other projects."), _REMOVE
    ),
    "extra_hosts": network.extra_hosts,
    "gpus": _DEVICES,
    "group_add": value(as_texts),
    "healthcheck": judge_healthcheck,
    "hostname": text_of_shape(network.HOST_NAME),
    "image": value(as_text),
    "init": value(as_bool),
    "ipc": network.ipc,
    "isolation": refused_unless(
        frozenset({"default"}), "isolation", msg("Isolation is an attribute of Windows."), _REMOVE
    ),
    "label_file": refused("host-file", msg("label_file reads files into labels."), _REMOVE),
    "labels": _LEFT_OUT,
    "links": network.links,
    "logging": _driver,
    "mac_address": _LEFT_OUT,
    "mem_limit": value(as_bytes),
    "mem_reservation": dropped(),
    "mem_swappiness": _LEFT_OUT,
    "memswap_limit": dropped(),
    "models": refused("models", msg("models runs programs on the host."), _REMOVE),
    "network_mode": network.network_mode,
    "networks": network.networks,
    "oom_kill_disable": _LEFT_OUT,
    "oom_score_adj": _LEFT_OUT,
    "pid": network.pid,
    "pids_limit": value(as_int),
    "platform": _platform,
    "ports": _deferred,
    "post_start": _HOOKS,
    "pre_start": _HOOKS,
    "pre_stop": _HOOKS,
    "privileged": refused_if_true("privileged", msg("privileged gives a container the whole machine."), _REMOVE),
    "profiles": value(as_texts),
    "provider": refused("provider", msg("provider runs a program on the host."), _REMOVE),
    "pull_policy": dropped(),
    "pull_refresh_after": dropped(),
    "read_only": value(as_bool),
    "restart": rule.restart,
    "runtime": refused_unless(frozenset({"runc"}), "runtime", msg("The runtime is the grader's choice."), _REMOVE),
    "scale": rule.replicas,
    "secrets": files("secrets"),
    "security_opt": rule.security_opt,
    "shm_size": rule.shm_size,
    "stdin_open": value(as_bool),
    "stop_grace_period": rule.grace,
    "stop_signal": text_of_shape(Shape(r"(?i:SIG)?[A-Za-z0-9+-]{2,12}|\d{1,2}", msg("%(value)s is not a signal."))),
    "storage_opt": _LEFT_OUT,
    "sysctls": rule.sysctls,
    "tmpfs": judge_tmpfs,
    "tty": value(as_bool),
    "ulimits": rule.ulimits,
    "use_api_socket": refused_if_true(
        "docker-socket", msg("use_api_socket gives a container the whole machine."), _REMOVE
    ),
    "user": rule.user,
    "userns_mode": refused("host-namespace", msg("userns_mode joins a namespace of the host."), _REMOVE),
    "uts": refused("host-namespace", msg("uts joins a namespace of the host."), _REMOVE),
    "volumes": judge_volumes,
    "volumes_from": rule.volumes_from,
    "working_dir": rule.working_dir,
}
