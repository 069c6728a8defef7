"""Small numbers and odd forms: what is clamped, what is refused, what a broker may not take over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.policy.conftest import TASK_QUEUE

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

CLAMPED = [
    ("cpus: 0.001", "cpus", 0.01),
    ("deploy: {restart_policy: {condition: on-failure, max_attempts: 999999999}}", "restart", "on-failure:1000"),
    ("healthcheck: {test: x, interval: 99999999h}", "healthcheck", {"test": "x", "interval": "3600s"}),
    ("environment: {'ConnectionStrings:Db': x}", "environment", {"ConnectionStrings:Db": "x"}),
    ("tmpfs: ['/t:size=10%']", "tmpfs", ["/t:size=268435456"]),
]


@pytest.mark.parametrize(("attribute", "name", "emitted"), CLAMPED)
def test_numbers_that_the_engine_would_not_take_are_brought_within_its_limits(
    submission: Submission, attribute: str, name: str, emitted: object
) -> None:
    """A student need not know them."""
    assert submission.service(attribute).app()[name] == emitted


REFUSED = [
    ("expose: [99999]", "attribute-value"),
    ("expose: ['90-80']", "attribute-value"),
    ("expose: ['1-9999']", "too-many-ports"),
    ("expose: ['\uff18\uff10']", "attribute-value"),
    ("ports: ['1-65535:1-65535']", "too-many-ports"),
    ("stop_grace_period: \uff13s", "attribute-value"),
    ("mem_limit: \uff13m", "attribute-value"),
    ("networks: app", "attribute-type"),
    ("networks: [{app: {}}]", "attribute-type"),
    ("depends_on: [app]", "dependency-cycle"),
    ("pid: 'service:app'", "dependency-cycle"),
    ("env_file: [{path: Dockerfile, format: json}]", "attribute-value"),
    ("environment: ['ConnectionStrings:Db']", "environment-name"),
    ("volumes: [{type: bind, target: /x}]", "mount-syntax"),
    (f"volumes: [{', '.join(f'/v{i}' for i in range(60))}]", "too-many"),
    (f"env_file: [{'Dockerfile, ' * 30}]", "too-many"),
]


@pytest.mark.parametrize(("attribute", "code"), REFUSED)
def test_what_is_no_value_of_its_attribute_is_refused(submission: Submission, attribute: str, code: str) -> None:
    """As Compose refuses it."""
    assert code in submission.service(attribute).errors()


EMPTY = ["devices: []", "device_cgroup_rules: []", "external_links: []", "label_file: []", "gpus: []", "models: {}"]


@pytest.mark.parametrize("attribute", EMPTY)
def test_an_empty_list_asks_for_nothing(submission: Submission, attribute: str) -> None:
    """It is no mistake."""
    assert submission.service(attribute).errors() == {}


LEFT_OUT = [
    "annotations: [1, [2], {a: .inf}]",
    "labels: {a: null}",
    "blkio_config: x",
    "develop: []",
    "storage_opt: .nan",
]


@pytest.mark.parametrize("attribute", LEFT_OUT)
def test_what_is_left_out_is_said_and_may_have_any_form(submission: Submission, attribute: str) -> None:
    """Nobody reads it."""
    assert submission.service(attribute).codes() == {"attribute-dropped"}


def test_a_broker_takes_no_programs_by_way_of_others(submission: Submission) -> None:
    """Not by a file of variables in any format."""
    submission.write("b.env", "LD_PRELOAD=/x.so\n").write("r.env", "ld_audit=/x.so\n")
    submission.task_queue(rabbit="env_file: [b.env]")
    assert "witness-changed" in submission.errors(TASK_QUEUE)
    submission.task_queue(rabbit="env_file: [{path: r.env, format: raw}]")
    assert "witness-changed" in submission.errors(TASK_QUEUE)
    submission.task_queue(rabbit="volumes_from: [api]", api="volumes: ['/opt/rabbitmq']")
    assert "witness-covered" in submission.errors(TASK_QUEUE)
    submission.task_queue(
        rabbit="extends: base", extra="base:\n  image: node:20-alpine\n  environment: {LD_PRELOAD: x}\n"
    )
    assert "witness-changed" in submission.errors(TASK_QUEUE)


SUBNETS = [
    ("172.28.0.0/16", False), ("10.5.0.0/24", False), ("192.168.100.0/24", False), ("172.20.0.5/16", False),
    ("fd00:1::/64", False), ("172.100.0.0/16", True), ("0.0.0.0/0", True), ("127.0.0.0/8", True), ("::/0", True),
    ("169.254.0.0/16", True), ("100.64.0.0/10", True), ("10.0.0.0/7", True),
]  # fmt: skip


@pytest.mark.parametrize(("subnet", "public"), SUBNETS)
def test_a_private_subnet_is_left_out_and_another_refused(submission: Submission, subnet: str, public: bool) -> None:
    """Public addresses belong to somebody."""
    submission.service(
        "networks: {n: {ipv4_address: 172.28.0.5}}", f"networks: {{n: {{ipam: {{config: [{{subnet: '{subnet}'}}]}}}}}}"
    )
    assert set(submission.errors()) == ({"network-public-subnet"} if public else set())
