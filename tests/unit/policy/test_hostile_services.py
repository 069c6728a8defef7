"""Each way of a service to the host is refused by name and line, for its own reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

REFUSED = [
    ("privileged: true", "privileged"),
    ('"privileged": "yes"', "privileged"),
    ('"\\x70rivileged": on', "privileged"),
    ("privileged: 1", "privileged"),
    ("Privileged: true", "attribute-unknown"),
    ("priviledged: true", "attribute-unknown"),
    ("network_mode: host", "host-network"),
    ("network_mode: bridge2", "foreign-network"),
    ("network_mode: container:other", "foreign-network"),
    ("network_mode: service:nobody", "service-unknown"),
    ("pid: host", "host-pid"),
    ("pid: container:x", "host-pid"),
    ("ipc: host", "host-ipc"),
    ("ipc: container:x", "host-ipc"),
    ("cgroup: host", "host-cgroup"),
    ("cgroup_parent: /", "cgroup-parent"),
    ("uts: host", "host-namespace"),
    ("userns_mode: host", "host-namespace"),
    ("devices: [/dev/sda]", "host-devices"),
    ("devices: [vendor.com/class=dev]", "host-devices"),
    ("device_cgroup_rules: ['a *:* rwm']", "host-devices"),
    ("gpus: all", "host-devices"),
    ("deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}", "host-devices"),
    ("cap_add: [SYS_ADMIN]", "capability"),
    ("cap_add: [cap_sys_admin]", "capability"),
    ("cap_add: [ALL]", "capability"),
    ("security_opt: ['seccomp:unconfined']", "security-option"),
    ("security_opt: ['seccomp=./profile.json']", "security-option"),
    ("security_opt: ['apparmor=unconfined']", "security-option"),
    ("security_opt: ['no-new-privileges:false']", "security-option"),
    ("security_opt: ['systempaths=unconfined']", "security-option"),
    ("runtime: nvidia", "runtime"),
    ("provider: {type: ./x.sh}", "provider"),
    ("use_api_socket: true", "docker-socket"),
    ("models: [m]", "models"),
    ("post_start: [{command: x, privileged: true}]", "lifecycle-hook"),
    ("pre_start: [{image: x}]", "lifecycle-hook"),
    ("pre_stop: [{command: x}]", "lifecycle-hook"),
    ("label_file: ./x", "host-file"),
    ("credential_spec: {file: /x}", "host-file"),
    ("isolation: hyperv", "isolation"),
    ("external_links: [other]", "foreign-container"),
    ("volumes_from: ['container:other']", "foreign-container"),
    ("links: [other]", "service-unknown"),
    ("depends_on: [other]", "service-unknown"),
    ("cpu_rt_runtime: 1000", "real-time"),
    ("extends: {file: ../x.yaml, service: y}", "extends"),
    ("env_file: /etc/passwd", "path-outside"),
    ("env_file: ../secret.env", "path-outside"),
    ("env_file: ~/.env", "path-outside"),
    ("env_file: nada.env", "file-missing"),
    ("deploy: {replicas: 11}", "too-many-replicas"),
    ("scale: -1", "too-many-replicas"),
    ("hostname: 'a b'", "attribute-value"),
    ("container_name: 'x;y'", "attribute-value"),
    ("networks: [other]", "network-undeclared"),
    ("networks: {default: {aliases: ['x y']}}", "attribute-value"),
    ("networks: {default: {aliase: [x]}}", "attribute-unknown"),
    ("restart: sometimes", "restart"),
    ("working_dir: /proc/self/fd/8", "mount-target"),
    ("working_dir: /a/../proc", "mount-target"),
    ("user: 'a b'", "attribute-value"),
    ("stop_grace_period: soon", "attribute-value"),
    ("healthcheck: {test: [rabbitmq-diagnostics, ping]}", "healthcheck-test"),
    ("healthcheck: {tests: x}", "attribute-unknown"),
    ("ports: ['a']", "attribute-value"),
    ("environment: ['A B=1']", "environment-name"),
    ("environment: [[1]]", "attribute-type"),
    ("command: {a: b}", "attribute-type"),
    ("mem_limit: lots", "attribute-value"),
    ("cpus: .inf", "attribute-type"),
    ("build: {context: .}\nimages: x", "attribute-unknown"),
]


@pytest.mark.parametrize(("attribute", "code"), REFUSED)
def test_an_attribute_that_reaches_out_is_refused(submission: Submission, attribute: str, code: str) -> None:
    """Each for its own reason."""
    assert code in submission.service(attribute).errors()


@pytest.mark.parametrize("attribute", ["privileged: true", "pid: host", "provider: {type: x}", "foo: 1"])
def test_the_finding_names_file_line_and_place(submission: Submission, attribute: str) -> None:
    """A student finds it without searching."""
    submission.service("init: true\n" + attribute)
    found = [f for f in submission.findings() if f.severity == "error"]
    assert [(f.file, f.line) for f in found] == [("compose.yaml", 5)]
    assert found[0].path == "services.app." + attribute.partition(":")[0]


def test_an_unknown_attribute_is_answered_with_the_nearest_one(submission: Submission) -> None:
    """It is most often a slip."""
    submission.service("enviroment: {A: 1}")
    finding = next(f for f in submission.findings() if f.code == "attribute-unknown")
    assert finding.remedy is not None
    assert finding.remedy.params == {"meant": "environment"}


def test_everything_wrong_is_said_at_once(submission: Submission) -> None:
    """One refusal, not four."""
    submission.service("privileged: true\npid: host\nvolumes: ['/:/host']\nfoo: 1")
    assert set(submission.errors()) == {"privileged", "host-pid", "bind-outside", "attribute-unknown"}


HARMLESS = [
    "privileged: false",
    "privileged: 'no'",
    "network_mode: bridge",
    "cap_add: [SYS_NICE, CHOWN]",
    "security_opt: ['no-new-privileges:true']",
    "labels: {traefik.enable: 'true'}",
    "annotations: {x: y}",
    "logging: {driver: syslog, options: {syslog-tls-ca-cert: /etc/shadow}}",
    "develop: {watch: [{path: /, action: sync, target: /x}]}",
    "dns: [8.8.8.8]",
    "sysctls: {kernel.panic: 1}",
    "storage_opt: {size: 1G}",
    "oom_kill_disable: true",
    "blkio_config: {weight: 10}",
    "mac_address: 02:42:ac:11:65:43",
    "platform: linux/amd64",
    "pull_policy: always",
    "extra_hosts: ['host.docker.internal:host-gateway', 'meta:169.254.169.254']",
    "networks: {default: {driver_opts: {a: b}, ipv4_address: 10.0.0.1}}",
    "x-anything: [1, 2]",
    "group_add: ['0']",
]
NEVER_EMITTED = {
    "privileged", "labels", "annotations", "develop", "dns", "sysctls", "storage_opt", "oom_kill_disable", "cap_add",
    "blkio_config", "mac_address", "platform", "ports", "container_name", "deploy", "env_file", "profiles",
    "extra_hosts", "build",
}  # fmt: skip


@pytest.mark.parametrize("attribute", HARMLESS)
def test_what_can_be_neutralised_is_accepted_and_gone(submission: Submission, attribute: str) -> None:
    """It is left out of what runs."""
    app = submission.service(attribute).app()
    assert not NEVER_EMITTED & set(app)
    assert app["networks"] == {"default": {}}
    assert app["pull_policy"] == "never"
    assert app["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "2"}}


def test_a_service_in_a_profile_is_judged_though_it_is_not_started(submission: Submission) -> None:
    """Another command would start it."""
    submission.compose(
        """
        services:
          app: {image: "node:20-alpine"}
          off: {image: "node:20-alpine", profiles: [x], privileged: true}
        """
    )
    assert submission.errors() == {"privileged": 4}
