"""Nobody acts in the place of a broker or database: not by its name, its address, its processes or its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.policy.conftest import TASK_QUEUE

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission


@pytest.mark.parametrize("attribute", ["network_mode", "pid", "ipc"])
def test_a_worker_cannot_join_the_broker_nor_the_broker_a_worker(submission: Submission, attribute: str) -> None:
    errors = submission.task_queue(worker=f"{attribute}: service:rabbitmq").errors(TASK_QUEUE)
    assert set(errors) == {"witness-shared"}
    errors = submission.task_queue(rabbit=f"{attribute}: service:api").errors(TASK_QUEUE)
    assert set(errors) == {"witness-shared"}


@pytest.mark.parametrize(
    "attribute",
    ["hostname: RabbitMQ.example.org", "extra_hosts: ['rabbitmq:127.0.0.1']", "extra_hosts: {rabbitmq: '::1'}"],
)
def test_a_worker_cannot_call_itself_the_broker(submission: Submission, attribute: str) -> None:
    assert set(submission.task_queue(worker=attribute).errors(TASK_QUEUE)) == {"name-taken"}


@pytest.mark.parametrize("name", ["PATH", "BASH_ENV", "ENV", "ld_preload"])
def test_the_brokers_programs_are_not_chosen_by_variables(submission: Submission, name: str) -> None:
    errors = submission.task_queue(rabbit=f"environment: {{{name}: /data}}").errors(TASK_QUEUE)
    assert set(errors) == {"witness-changed"}
    submission.write("r/Dockerfile", f"FROM rabbitmq:3-management\nENV A=1 {name}=/data\n")
    assert submission.task_queue(rabbit="build: ./r").errors(TASK_QUEUE) == {"witness-changed": 2}
    submission.write("r/Dockerfile", "FROM rabbitmq:3-management\nENV RABBITMQ_DEFAULT_USER=a PATHS=1\n")
    assert not submission.task_queue(rabbit="build: ./r").errors(TASK_QUEUE)
