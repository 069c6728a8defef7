"""The plan: hardened services, replicas, contents; and the contract with the assignment."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from grader.model.grade import ResolvedImage
from grader.policy import bind
from tests.unit.policy.conftest import RABBIT, TASK_QUEUE

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

GOOD_BROKER = """
hostname: rabbitmq
environment: {RABBITMQ_DEFAULT_USER: admin, RABBITMQ_DEFAULT_PASS: admin123}
"""


def test_a_service_is_hardened(submission: Submission) -> None:
    """Limits, rights and networks are ours; what the submission says beside them stays as written."""
    assert submission.service("init: true\nstop_grace_period: 5m\nrestart: always").app() == {
        "image": "node:20-alpine",
        "init": True,
        "stop_grace_period": "30s",
        "networks": {"default": {}},
        "restart": "unless-stopped",
        "mem_limit": 512 << 20,
        "memswap_limit": 512 << 20,
        "cpus": 1.0,
        "pids_limit": 512,
        "security_opt": ["no-new-privileges:true"],
        "cap_drop": ["AUDIT_WRITE", "MKNOD", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT"],
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "2"}},
        "pull_policy": "never",
        "scale": 1,
    }


LIMITS = [
    ("mem_limit: 64m\npids_limit: -1\ncpus: '0.5'", (64 << 20, 0.5, 512)),
    ("mem_limit: 8g\npids_limit: 10\ncpus: 0", (512 << 20, 1.0, 10)),
    ("mem_limit: 100m\ndeploy: {resources: {limits: {memory: 100M, cpus: '.25', pids: 5}}}", (100 << 20, 0.25, 5)),
    ("memswap_limit: -1\nmem_reservation: 8g\ncpuset: '0'\ncpu_quota: -1", (512 << 20, 1.0, 512)),
]


@pytest.mark.parametrize(("attributes", "limits"), LIMITS)
def test_limits_are_the_smaller_ones_and_stand_once(
    submission: Submission, attributes: str, limits: tuple[int, float, int]
) -> None:
    """Of a submission's limits and the assignment's the smaller counts, wherever it was written."""
    app = submission.service(attributes).app()
    assert (app["mem_limit"], app["cpus"], app["pids_limit"]) == limits
    assert app["memswap_limit"] == app["mem_limit"]
    assert not {"deploy", "mem_reservation", "cpuset", "cpu_quota"} & set(app)


def test_capabilities_may_be_given_up_and_the_usual_ones_taken_back(submission: Submission) -> None:
    """A dropped capability comes back only if official images need it."""
    app = submission.service("cap_drop: [all]\ncap_add: [chown, CAP_SETUID, net_raw]").app()
    assert "ALL" in app["cap_drop"]
    assert app["cap_add"] == ["CHOWN", "SETUID"]
    assert "cap_add" not in submission.service("cap_add: [chown]").app()


RESTARTS = [
    ("restart: always", "unless-stopped"),
    ("restart: no", "no"),
    ("restart: 'no'", "no"),
    ("restart: on-failure:3", "on-failure:3"),
    ("init: true", "no"),
    ("restart: 'no'\ndeploy: {restart_policy: {condition: any}}", "unless-stopped"),
    ("deploy: {restart_policy: {condition: on-failure, max_attempts: 4}}", "on-failure:4"),
    ("restart: always\ndeploy: {restart_policy: {condition: none, delay: 1s}}", "no"),
]


@pytest.mark.parametrize(("attributes", "policy"), RESTARTS)
def test_restart_keeps_its_meaning(submission: Submission, attributes: str, policy: str) -> None:
    """A policy means what it says to Compose; only `always` gives way to `unless-stopped`."""
    assert submission.service(attributes).app()["restart"] == policy


def test_a_health_check_that_others_wait_for_is_asked_more_often(submission: Submission) -> None:
    """Its interval shrinks and its tries grow, so that its patience stays the same."""
    submission.compose(
        """
        services:
          a:
            image: node:20-alpine
            healthcheck: {test: [CMD, "true"], interval: 30s, timeout: 5m, retries: 5, start_interval: 1ms}
          b:
            image: node:20-alpine
            healthcheck: {test: exit 0, interval: 100ms}
            depends_on: {a: {condition: service_healthy}}
        """
    )
    services = submission.plan().compose["services"]
    assert services["a"]["healthcheck"] == {"test": ["CMD", "true"], "interval": "3s", "timeout": "60s", "retries": 50}
    assert services["b"]["healthcheck"] == {"test": "exit 0", "interval": "1s"}


def test_names_and_networks(submission: Submission) -> None:
    """Aliases and exposed ports stay, names and ports of the host go, with a word about them."""
    submission.service(
        "container_name: mine\nnetworks: {front: {aliases: [web]}, default: }\nports: ['8080:80']\nexpose: [80]",
        "networks: {front: }",
    )
    plan = submission.plan()
    app = plan.compose["services"]["app"]
    assert app["networks"] == {"front": {"aliases": ["web", "mine"]}, "default": {"aliases": ["mine"]}}
    assert app["expose"] == ["80"]
    assert plan.compose["networks"] == {"front": {}, "default": {}}


def test_a_built_image_is_shared_by_its_name_within_the_project(submission: Submission) -> None:
    """A service that runs what another one builds runs exactly that."""
    submission.compose(
        """
        services:
          api: {build: {context: ., args: {A: "$$x"}}, image: rabbitmq:3-management}
          worker: {image: rabbitmq:3-management, scale: 2}
        """
    )
    plan = submission.plan()
    assert {n: s["image"] for n, s in plan.compose["services"].items()} == {"api": "build:api", "worker": "build:api"}
    assert plan.images == ("node:20-alpine",)
    assert plan.replicas == {"api": 1, "worker": 2}
    assert plan.builds[0].args == {"A": "$$x"}


def test_binding_replaces_the_names_of_images(submission: Submission) -> None:
    """What runs is what was resolved, while the plan still knows the names that were written."""
    plan = submission.task_queue(rabbit=GOOD_BROKER).plan(TASK_QUEUE)
    images = {n: ResolvedImage(name=n, reference=f"grader.local/{n}") for n in plan.images}
    bound = bind(plan, images)
    assert set(plan.images) == {RABBIT, "node:20-alpine"}
    assert bound.compose["services"]["rabbitmq"]["image"] == f"grader.local/{RABBIT}"
    assert bound.compose["services"]["api"]["image"] == "build:api"
    assert bound.builds[0].text.startswith("FROM grader.local/node:20-alpine AS grader-stage-0\n")
    with pytest.raises(KeyError):
        bind(plan, {})


def test_the_plan_is_plain_data(submission: Submission) -> None:
    """It survives JSON unchanged, since it travels between processes."""
    plan = submission.task_queue(rabbit=GOOD_BROKER).plan(TASK_QUEUE)
    assert json.loads(json.dumps(plan.compose)) == plan.compose


def test_judging_takes_less_than_a_tenth_of_a_second(submission: Submission) -> None:
    """The best of three counts, in this process's own time."""
    submission.task_queue(rabbit=GOOD_BROKER)

    def cost() -> float:
        began = time.process_time()  # of this process alone: the machine may be busy
        submission.plan(TASK_QUEUE)
        return time.process_time() - began

    assert min(cost() for _ in range(3)) < 0.1


# the contract


def test_a_missing_service_is_named_with_what_may_be_meant(submission: Submission) -> None:
    """A name that is nearly the contract's is offered."""
    submission.compose(f"name: x\nservices:\n  rabitmq: {{image: '{RABBIT}'}}\n  api: {{build: .}}\n")
    missing = [f for f in submission.findings(TASK_QUEUE) if f.code == "service-missing"]
    assert [(f.line, f.message.params["service"]) for f in missing] == [(2, "rabbitmq"), (2, "worker")]
    assert missing[0].remedy is not None
    assert missing[0].remedy.params["meant"] == "rabitmq"


REPLICAS = [
    ("init: true", 3, "replicas-from-contract"),
    ("deploy: {replicas: 2}", 2, "replicas-too-few"),
    ("scale: 1", 1, "replicas-too-few"),
    ("deploy: {replicas: '4'}", 4, None),
]


@pytest.mark.parametrize(("worker", "number", "code"), REPLICAS)
def test_replicas_are_the_contracts_unless_written(
    submission: Submission, worker: str, number: int, code: str | None
) -> None:
    """What a submission writes counts, and is remarked on where the contract says otherwise."""
    plan = submission.task_queue(rabbit=GOOD_BROKER, worker=worker).plan(TASK_QUEUE)
    assert plan.replicas["worker"] == plan.compose["services"]["worker"]["scale"] == number
    assert {f.code for f in plan.findings if f.code.startswith("replicas")} == ({code} if code else set())


CANNOT_START = [
    ("container_name: worker", True),
    ("ports: ['3000:3000']", True),
    ("ports: [{target: 3000, published: 3000}]", True),
    ("ports: ['127.0.0.1:80:80/tcp']", True),
    ("ports: ['3000']", False),
    ("ports: ['3000-3005:3000']", False),
    ("ports: ['127.0.0.1::80']", False),
]


@pytest.mark.parametrize(("worker", "fails"), CANNOT_START)
def test_what_keeps_several_replicas_from_starting_is_named(submission: Submission, worker: str, fails: bool) -> None:
    """A fixed name or port fails at home, so it is a finding at its line here."""
    plan = submission.task_queue(worker=f"deploy: {{replicas: 3}}\n{worker}").plan(TASK_QUEUE)
    found = [f for f in plan.findings if f.code == "replicas-cannot-start"]
    assert [(f.severity, f.line) for f in found] == ([("warning", 11)] if fails else [])


def test_a_broker_under_test_runs_an_image_of_its_own_kind(submission: Submission) -> None:
    """A broker of the contract is the broker, not just anything under its name."""
    submission.task_queue(rabbit="image: node:20-alpine")
    assert submission.errors(TASK_QUEUE) == {"witness-image": 4}


def test_a_broker_under_test_does_not_run_what_another_service_builds(submission: Submission) -> None:
    """Its image is the catalogue's, which a service of the submission must not replace."""
    submission.task_queue(api=f"image: {RABBIT}")
    assert submission.errors(TASK_QUEUE) == {"witness-image": 3}


def test_a_foreign_image_on_a_service_of_the_contract_is_refused(submission: Submission) -> None:
    """The finding stands at the service's line and names what was meant."""
    submission.compose(
        f"services:\n  rabbitmq: {{image: '{RABBIT}'}}\n  api: {{image: nodejs}}\n  worker: {{build: .}}\n"
    )
    finding = next(f for f in submission.findings(TASK_QUEUE) if f.code == "image-not-allowed")
    assert (finding.line, finding.path) == (3, "services.api.image")
    assert finding.remedy is not None
    assert finding.remedy.params == {"image": "node:20-alpine"}


def test_what_nobody_needs_is_left_out_for_its_image(submission: Submission) -> None:
    """A GUI that we do not have costs a notice, and nothing that waits for it is lost."""
    submission.task_queue(
        extra="ui:\n  image: some/gui:latest\n  depends_on: [rabbitmq]\n"
        "gui2:\n  image: node:20-alpine\n  depends_on: [ui]\n"
    )
    plan = submission.plan(TASK_QUEUE)
    assert set(plan.compose["services"]) == {"rabbitmq", "api", "worker", "gui2"}
    assert "depends_on" not in plan.compose["services"]["gui2"]
    assert [(f.severity, f.path) for f in plan.findings if f.code == "service-left-out"] == [("notice", "services.ui")]


def test_what_a_contract_service_needs_is_not_left_out(submission: Submission) -> None:
    """There the image is refused, since the service would not start."""
    submission.task_queue(api="depends_on: [store]", extra="store:\n  image: some/store:1\n")
    assert "image-not-allowed" in submission.errors(TASK_QUEUE)


def test_profiles_are_not_started(submission: Submission) -> None:
    """As Compose does; a service of the contract must not stand in one."""
    plan = submission.task_queue(extra="tools:\n  image: node:20-alpine\n  profiles: [debug]\n").plan(TASK_QUEUE)
    assert "tools" not in plan.compose["services"]
    submission.task_queue(worker="profiles: [x]")
    assert "service-in-profile" in submission.errors(TASK_QUEUE)
    submission.task_queue(api="depends_on: [t]", extra="t:\n  image: node:20-alpine\n  profiles: [x]\n")
    assert "dependency-not-started" in submission.errors(TASK_QUEUE)


ALIASES = [
    "networks: {default: {aliases: [rabbitmq]}}",
    "container_name: RabbitMQ",
    "hostname: rabbitmq",
    "links: ['worker:rabbitmq']",
]


@pytest.mark.parametrize("attribute", ALIASES)
def test_no_service_takes_the_name_of_another(submission: Submission, attribute: str) -> None:
    """Neither by an alias nor by a host name."""
    assert "name-taken" in submission.task_queue(api=attribute).errors(TASK_QUEUE)


def test_names_that_differ_in_case_only_are_refused(submission: Submission) -> None:
    """DNS takes them for one."""
    submission.compose("services:\n  api: {image: 'node:20-alpine'}\n  API: {image: 'node:20-alpine'}\n")
    assert submission.errors() == {"name-taken": 3}


def test_errors_come_first(submission: Submission) -> None:
    """Whatever the order in the file, what refuses a submission is read first."""
    submission.compose("version: '3'\nservices:\n  a: {image: 'node:20-alpine', privileged: true}\n")
    assert [f.code for f in submission.findings()] == ["privileged", "version-obsolete"]


def test_services_that_wait_for_each_other_are_refused(submission: Submission) -> None:
    """A circle is named where it closes, through a shared network too."""
    submission.compose(
        """
        services:
          a: {image: "node:20-alpine", depends_on: [b]}
          b: {image: "node:20-alpine", network_mode: "service:a"}
        """
    )
    assert submission.errors() == {"dependency-cycle": 3}


def test_too_many_containers_are_refused(submission: Submission) -> None:
    """Many services of a few replicas count together."""
    parts = "".join(f"  s{i}: {{image: 'node:20-alpine', scale: 10}}\n" for i in range(5))
    assert "too-many-containers" in submission.compose("services:\n" + parts).errors()


# images


@pytest.mark.parametrize(
    "name",
    [
        "localhost/x", "localhost:5000/x", "127.0.0.1/x", "10.0.0.1:5000/x", "[::1]:5000/x", "0x7f.1/x", "host:5000/x",
        "registry.internal/x", "registry.local/x", "grader.local/node:20-alpine", "sha256:" + "a" * 64, "a" * 64,
        "abcdef012345", "UPPER/x", "x:y:z", "x y", "", "node:20-alpine@sha256:12", "../x",
    ],
)  # fmt: skip
def test_an_image_that_no_registry_gives_is_refused_even_where_all_are_allowed(
    submission: Submission, name: str
) -> None:
    """A name that leads to this machine or nowhere is no public image."""
    submission.compose(f"services:\n  app:\n    image: '{name}'\n")
    assert set(submission.errors()) <= {"image-not-allowed", "image-malformed", "image-missing"}
    assert submission.errors()


@pytest.mark.parametrize("name", ["redis:7-alpine", "some/gui", "ghcr.io/a/b:1", "deadbeef:1"])
def test_a_public_image_is_accepted_with_a_notice_without_an_assignment(submission: Submission, name: str) -> None:
    """Inspecting alone allows what is public, and says that it is none of the catalogue."""
    plan = submission.compose(f"services:\n  app:\n    image: {name}\n").plan()
    assert {f.code for f in plan.findings} == {"image-outside-catalogue"}


@pytest.mark.parametrize(
    "name", ["docker.io/library/node:20-alpine", "library/node:20-alpine", "docker.io/node:20-alpine"]
)
def test_names_of_images_have_one_form(submission: Submission, name: str) -> None:
    """However the registry and the tag are written, the plan names the image one way."""
    assert submission.compose(f"services:\n  app:\n    image: {name}\n").plan().images == ("node:20-alpine",)
