"""Nobody acts in the place of a broker or database: not by its name, its address, its processes or its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.policy.conftest import TASK_QUEUE

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission


@pytest.mark.parametrize("attribute", ["network_mode", "pid", "ipc"])
def test_a_worker_cannot_join_the_broker_nor_the_broker_a_worker(submission: Submission, attribute: str) -> None:
    """Sharing processes or a network would let one act as the other."""
    errors = submission.task_queue(worker=f"{attribute}: service:rabbitmq").errors(TASK_QUEUE)
    assert set(errors) == {"witness-shared"}
    errors = submission.task_queue(rabbit=f"{attribute}: service:api").errors(TASK_QUEUE)
    assert set(errors) == {"witness-shared"}


@pytest.mark.parametrize(
    "attribute",
    ["hostname: RabbitMQ.example.org", "extra_hosts: ['rabbitmq:127.0.0.1']", "extra_hosts: {rabbitmq: '::1'}"],
)
def test_a_worker_cannot_call_itself_the_broker(submission: Submission, attribute: str) -> None:
    """By alias, host name or container name."""
    assert set(submission.task_queue(worker=attribute).errors(TASK_QUEUE)) == {"name-taken"}


@pytest.mark.parametrize("name", ["PATH", "BASH_ENV", "ENV", "ld_preload"])
def test_the_brokers_programs_are_not_chosen_by_variables(submission: Submission, name: str) -> None:
    """Neither in the compose file nor in a Dockerfile."""
    errors = submission.task_queue(rabbit=f"environment: {{{name}: /data}}").errors(TASK_QUEUE)
    assert set(errors) == {"witness-changed"}
    submission.write("r/Dockerfile", f"FROM rabbitmq:3-management\nENV A=1 {name}=/data\n")
    assert submission.task_queue(rabbit="build: ./r").errors(TASK_QUEUE) == {"witness-changed": 2}
    submission.write("r/Dockerfile", "FROM rabbitmq:3-management\nENV RABBITMQ_DEFAULT_USER=a PATHS=1\n")
    assert not submission.task_queue(rabbit="build: ./r").errors(TASK_QUEUE)


@pytest.mark.parametrize(
    "target",
    [
        "/etc", "/etc/ld.so.preload", "/etc/ld.so.conf.d", "/etc/ld.so.conf.d/x.conf", "/etc//./ld.so.cache",
        "/etc/alternatives", "/usr/local", "/usr/local/bin/x.properties",
    ],
)  # fmt: skip
def test_nothing_is_put_where_a_broker_finds_its_programs(submission: Submission, target: str) -> None:
    """By a file, a file system in memory or a volume."""
    submission.write("x", "x")
    assert set(submission.task_queue(rabbit=f"volumes: ['./x:{target}']").errors(TASK_QUEUE)) == {"witness-covered"}
    assert set(submission.task_queue(rabbit=f"tmpfs: {target}").errors(TASK_QUEUE)) == {"witness-covered"}
    submission.write("r/Dockerfile", f"FROM rabbitmq:3-management\nCOPY x {target}\n")
    submission.write("r/x", "x")
    assert submission.task_queue(rabbit="build: ./r").errors(TASK_QUEUE) == {"witness-changed": 2}


@pytest.mark.parametrize("target", ["/etc/kafka/docker", "/etc/kafka/docker/run", "/etc/confluent/docker/launch"])
def test_nothing_is_put_where_an_image_that_the_contract_allows_has_its_scripts(
    submission: Submission, target: str
) -> None:
    """What a room says of its images holds wherever one of them may run, and nowhere else."""
    broker, *others = TASK_QUEUE.services
    several = msgspec.structs.replace(broker, images=("rabbitmq", "apache/kafka"))
    either = msgspec.structs.replace(TASK_QUEUE, services=(several, *others))
    submission.write("x", "x")
    submission.task_queue(rabbit=f"volumes: ['./x:{target}']")
    assert set(submission.errors(either)) == {"witness-covered"}
    assert not submission.errors(TASK_QUEUE)
    submission.write("r/Dockerfile", f"FROM rabbitmq:3-management\nCOPY x {target}\n")
    submission.write("r/x", "x")
    assert submission.task_queue(rabbit="build: ./r").errors(either) == {"witness-changed": 2}


@pytest.mark.parametrize("target", ["/./usr/bin/x", "//etc/./ld.so.preload", "/etc/"])
def test_a_copied_file_is_judged_where_it_really_lies(submission: Submission, target: str) -> None:
    """Dots and doubled slashes hide no folder."""
    submission.write("r/x", "x")
    submission.write("r/Dockerfile", f"FROM rabbitmq:3-management\nCOPY x {target}\n")
    assert submission.task_queue(rabbit="build: ./r").errors(TASK_QUEUE) == {"witness-changed": 2}


@pytest.mark.parametrize(
    "target",
    [
        "/etc/rabbitmq/rabbitmq.conf", "/etc/kafka/secrets/jaas.conf", "/etc/kafka/docker/server.properties",
        "/usr/local/etc/redis/redis.conf", "/etc/ssl/x.pem",
    ],
)  # fmt: skip
def test_a_broker_takes_its_configuration(submission: Submission, target: str) -> None:
    """Where its documentation says that it lies."""
    submission.write("x", "x")
    assert not submission.task_queue(rabbit=f"volumes: ['./x:{target}']").errors(TASK_QUEUE)
    submission.write("r/Dockerfile", f"FROM rabbitmq:3-management\nCOPY x {target}\n")
    submission.write("r/x", "x")
    assert not submission.task_queue(rabbit="build: ./r").errors(TASK_QUEUE)


def test_a_broker_may_work_in_the_folder_of_its_programs(submission: Submission) -> None:
    """That changes none of them."""
    assert not submission.task_queue(rabbit="working_dir: /opt/rabbitmq").errors(TASK_QUEUE)


@pytest.mark.parametrize(
    "line",
    [
        "ADD --chown=rabbitmq x /etc/rabbitmq/", "RUN chown rabbitmq:rabbitmq /etc/rabbitmq/x",
        "RUN chmod 644 /etc/rabbitmq/x && chown -R rabbitmq /var/lib/rabbitmq /etc/rabbitmq", 'CMD ["rabbitmq-server"]',
        "RUN rabbitmq-plugins enable --offline rabbitmq_top && chmod a+r /etc/rabbitmq/enabled_plugins",
    ],
)  # fmt: skip
def test_a_broker_may_be_built_as_its_documentation_says(submission: Submission, line: str) -> None:
    """Plug-ins, rights and plain files."""
    submission.write("r/x", "x").write("r/Dockerfile", f"FROM rabbitmq:3-management\n{line}\n")
    plan = submission.task_queue(rabbit="build: ./r").plan(TASK_QUEUE)
    assert "\nADD" not in next(b for b in plan.builds if b.service == "rabbitmq").text


@pytest.mark.parametrize(
    "line",
    [
        "ADD x.tar.gz /etc/rabbitmq/", "ADD x /usr/bin/", "ADD x /./opt/", "RUN chmod 644 /etc/x; evil",
        "RUN chmod 644 /etc/x && evil", "RUN chown x /usr/bin/rabbitmq-server", "RUN chmod 0 /", "RUN chmod 0 /*",
        "RUN chmod --reference=/a /etc/x", "RUN chown x /etc/../opt", "RUN chown x /etc/a\tb$(evil)",
    ],
)  # fmt: skip
def test_what_does_more_than_prepare_a_broker_is_refused(submission: Submission, line: str) -> None:
    """At its line."""
    submission.write("r/x", "x").write("r/x.tar.gz", "x").write("r/Dockerfile", f"FROM rabbitmq:3-management\n{line}\n")
    assert submission.task_queue(rabbit="build: ./r").errors(TASK_QUEUE) == {"witness-changed": 2}
