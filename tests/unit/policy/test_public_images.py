"""Which images a submission may name: any of the public registries to build on, the catalogue's for its brokers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from grader import assignments, catalogue
from grader.errors import SubmissionRefusedError
from grader.model.workspace import Workspace
from grader.policy import bitnami, judge
from grader.policy.image import parse
from tests.unit.policy.conftest import RABBIT, TASK_QUEUE

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.findings import Finding
    from grader.model.plan import StackPlan
    from tests.unit.policy.conftest import Submission

PUBLIC = msgspec.structs.replace(TASK_QUEUE, images="public")
LANGUAGES = [
    "node:18-alpine", "oven/bun:1", "ruby:3.3", "rust:1", "mcr.microsoft.com/dotnet/sdk:8.0", "denoland/deno:2.1.4",
    "ghcr.io/astral-sh/uv:python3.12-bookworm", "gcr.io/distroless/nodejs20-debian12", "elixir:1.17", "swift:6.0",
    "public.ecr.aws/docker/library/php:8.3", "quay.io/quarkus/quarkus-micro-image:2.0", "erlang:27", "julia:1.11",
    "registry.access.redhat.com/ubi9/openjdk-21:1.20", "ruby@sha256:" + "a" * 64, "rust:1@sha256:" + "b" * 64,
]  # fmt: skip
NEVER = [
    "localhost/x", "localhost:5000/x", "127.0.0.1:5000/x", "10.0.0.1/x", "[::1]:5000/x", "registry.school.example/x",
    "ghcr.io:443/a/b", "sha256:" + "a" * 64, "abcdef012345", "grader.local/node:20-alpine", "grader-1f2e-3-api",
    "grader/api", "grader.local/build/grader-1-2-api:run",
]  # fmt: skip
FORMS = [
    "FROM {}\n", "FROM node:20-alpine\nCOPY --from={} /a /b\n",
    "FROM node:20-alpine\nRUN --mount=from={},target=/x true\n",
]  # fmt: skip


def built_on(submission: Submission, text: str) -> Submission:
    submission.write("Dockerfile", text)
    return submission.task_queue()


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
def test_a_build_starts_from_any_image_of_the_public_registries(submission: Submission, form: str, name: str) -> None:
    """In each of the places where a Dockerfile names one; it is said, and costs nothing."""
    plan = built_on(submission, form.format(name)).plan(PUBLIC)
    said = {(f.severity, f.code, f.file) for f in plan.findings if f.code.startswith("image")}
    assert said == {("notice", "image-outside-catalogue", "Dockerfile")}
    (use,) = [u for u in plan.uses if not u.catalogue]
    assert (use.name, use.file, use.line) == (str(parse(name).name), "Dockerfile", form.count("\n"))  # type: ignore[union-attr]
    assert use.name in plan.images


@pytest.mark.parametrize("name", NEVER)
@pytest.mark.parametrize("form", FORMS)
def test_no_build_starts_from_what_no_public_registry_gives(submission: Submission, form: str, name: str) -> None:
    """Addresses, ports, localhost, ids of this machine, and what the grader or another submission has built."""
    errors = built_on(submission, form.format(name)).errors(PUBLIC)
    assert set(errors) & {"image-not-allowed", "image-malformed", "dockerfile-from"}


def test_an_assignment_may_narrow_it_to_the_catalogue(submission: Submission) -> None:
    """An exam room without a way out says so before anything is tried."""
    built_on(submission, "FROM ruby:3.3\n")
    assert submission.errors(msgspec.structs.replace(PUBLIC, images="catalogue")) == {"image-not-allowed": 1}
    assert submission.errors(PUBLIC) == {}


@pytest.mark.parametrize("name", ["rabbitmq:5", "ghcr.io/x/rabbitmq:3", "lavinmq/lavinmq:2", "node:20-alpine"])
@pytest.mark.parametrize("how", ["image: {}", "build: {{dockerfile_inline: FROM {}}}"])
def test_a_broker_is_of_the_catalogue_whatever_else_is_public(submission: Submission, how: str, name: str) -> None:
    """The grader knows how these behave, and nobody can put one of their own in its place."""
    assert "witness-image" in submission.task_queue(rabbit=how.format(name)).errors(PUBLIC)


def test_a_service_of_the_contract_that_is_no_broker_runs_a_public_image(submission: Submission) -> None:
    """A program that is mounted into the image of its language is as right as one that is built."""
    submission.write("app/x.rb", "")
    submission.compose(
        f"services:\n  rabbitmq: {{image: '{RABBIT}'}}\n  worker: {{build: .}}\n"
        "  api: {image: 'ruby:3.3', command: ruby x.rb, volumes: ['./app:/app']}\n"
    )
    assert "ruby:3.3" in submission.plan(PUBLIC).images


def test_what_nobody_needs_is_not_pulled(submission: Submission) -> None:
    """A console from outside of the catalogue is left out; one that is built, or needed, is not."""
    submission.task_queue(
        api="depends_on: [store]",
        extra="ui: {image: some/gui:1}\nstore: {image: valkey/valkey:8}\n"
        "extra: {build: {dockerfile_inline: FROM ruby:3.3}}",
    )
    plan = submission.plan(PUBLIC)
    assert set(plan.compose["services"]) == {"rabbitmq", "api", "worker", "store", "extra"}
    assert {"valkey/valkey:8", "ruby:3.3"} < set(plan.images)
    assert "some/gui:1" not in plan.images
    assert not [f for f in plan.findings if "gui" in f.message.params.get("image", "")]  # type: ignore[operator]


@pytest.mark.parametrize("name", assignments.names())
def test_our_assignments_are_done_in_any_language(name: str) -> None:
    """Their brokers and databases stay with the catalogue."""
    found = assignments.load(name)
    assert found.images == "public"
    assert all(s.images for s in found.services if s.role not in {"http", "worker"})


# Bitnami


def judged(root: Path, compose: str, assignment: str | None) -> tuple[StackPlan | None, tuple[Finding, ...]]:
    (root / "compose.yaml").write_text(compose, "utf-8")
    found = assignments.load(assignment) if assignment else None
    try:
        plan = judge(Workspace(root=str(root), name="x"), found, catalogue.load())
    except SubmissionRefusedError as refused:
        return None, refused.findings
    return plan, plan.findings


KAFKA = """
services:
  kafka:
    image: bitnami/kafka:3.7
    environment:
      - KAFKA_CFG_NODE_ID=0
      - KAFKA_CFG_PROCESS_ROLES=controller,broker
      - ALLOW_PLAINTEXT_LISTENER=yes
      - TZ=UTC
    volumes: ["data:/bitnami/kafka"]
  db: {image: postgres:16}
  processor: {image: node:20}
volumes: {data: }
"""


def test_what_a_file_sets_on_an_image_of_bitnami_is_told_by_its_new_name(tmp_path: Path) -> None:
    """Only what this file sets, folders for data too; what stays as it is is not mentioned."""
    _, findings = judged(tmp_path, KAFKA, "kafka-consumer-group")
    (finding,) = [f for f in findings if f.severity == "error"]
    assert (finding.code, finding.line, finding.path) == ("image-gone", 4, "services.kafka.image")
    assert finding.message.params == {"image": "bitnami/kafka:3.7"}
    assert finding.remedy is not None
    assert finding.remedy.params == {
        "image": "apache/kafka:3.9.1",
        "new": "KAFKA_CFG_NODE_ID → KAFKA_NODE_ID, KAFKA_CFG_PROCESS_ROLES → KAFKA_PROCESS_ROLES, "
        "/bitnami/kafka → /var/lib/kafka/data",
        "old": "ALLOW_PLAINTEXT_LISTENER",
    }


SETS: list[tuple[str, tuple[str, ...], tuple[str, ...], dict[str, Any]]] = [
    ("bitnami/kafka:2", ("KAFKA_CFG_ZOOKEEPER_CONNECT",), (),
     {"image": "confluentinc/cp-kafka:7.9.0", "new": "KAFKA_CFG_ZOOKEEPER_CONNECT → KAFKA_ZOOKEEPER_CONNECT"}),
    ("bitnami/zookeeper", ("ALLOW_ANONYMOUS_LOGIN",), (),
     {"image": "confluentinc/cp-zookeeper:7.9.0", "new": "ZOOKEEPER_CLIENT_PORT: 2181",
      "old": "ALLOW_ANONYMOUS_LOGIN"}),
    ("bitnami/zookeeper:3.9", ("ZOO_PORT_NUMBER",), ("/bitnami/zookeeper",),
     {"image": "confluentinc/cp-zookeeper:7.9.0",
      "new": "ZOO_PORT_NUMBER → ZOOKEEPER_CLIENT_PORT, /bitnami/zookeeper → /var/lib/zookeeper/data"}),
    ("bitnami/redis", ("ALLOW_EMPTY_PASSWORD",), (), {"image": "redis:7-alpine", "old": "ALLOW_EMPTY_PASSWORD"}),
    ("docker.io/bitnami/redis:7.2", ("REDIS_PASSWORD",), (),
     {"image": "redis:7-alpine", "new": "REDIS_PASSWORD → command: redis-server --requirepass …"}),
    ("bitnamilegacy/rabbitmq", ("RABBITMQ_USERNAME", "RABBITMQ_PASSWORD"), ("/other",),
     {"image": "rabbitmq:4-management",
      "new": "RABBITMQ_USERNAME → RABBITMQ_DEFAULT_USER, RABBITMQ_PASSWORD → RABBITMQ_DEFAULT_PASS"}),
    ("public.ecr.aws/bitnami/postgresql:16", ("POSTGRESQL_USERNAME", "POSTGRESQL_DATABASE", "POSTGRES_PASSWORD"), (),
     {"image": "postgres:16-alpine", "new": "POSTGRESQL_USERNAME → POSTGRES_USER, POSTGRESQL_DATABASE → POSTGRES_DB"}),
    ("bitnami/redis:7", (), ("/x",), {"image": "redis:7-alpine"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "variables", "targets", "params"), SETS, ids=[s[0] for s in SETS])
def test_each_image_of_bitnami_has_one_in_its_place(
    name: str, variables: tuple[str, ...], targets: tuple[str, ...], params: dict[str, Any]
) -> None:
    """Kafka's by whether ZooKeeper is used."""
    image = parse(name)
    assert image is not None
    remedy = bitnami.moved(image, bitnami.Sets(variables, targets))
    assert remedy is not None
    assert remedy.params == params


@pytest.mark.parametrize("name", [*bitnami.replacements()])
def test_what_is_proposed_can_be_used(name: str) -> None:
    """Every replacement is in the catalogue and can be built where nothing can be pulled."""
    for variables in ((), ("KAFKA_CFG_ZOOKEEPER_CONNECT",)):
        image = parse(f"bitnami/{name}")
        assert image is not None
        instead = bitnami.replacement(image, variables)
        assert instead is not None
        entry = catalogue.load().find(instead.image)
        assert entry is not None
        assert entry.equivalent is not None


def test_an_image_of_bitnami_is_named_at_its_line_in_a_dockerfile(submission: Submission) -> None:
    """With all that its variables are called elsewhere, since a compose file may set them."""
    built_on(submission, "FROM node:20-alpine\nCOPY --from=bitnami/redis:7 /a /b\n")
    finding, _ = [f for f in submission.findings(PUBLIC) if f.severity == "error"]
    assert (finding.code, finding.file, finding.line) == ("image-gone", "Dockerfile", 2)
    assert finding.remedy is not None
    assert "REDIS_PASSWORD → command: redis-server --requirepass" in str(finding.remedy.params["new"])


@pytest.mark.parametrize(("name", "near"), [("node:20", {"image": "node:20"}), ("mongodb", {})])
def test_one_without_a_counterpart_is_refused_too(tmp_path: Path, name: str, near: dict[str, str]) -> None:
    """What the catalogue has under a similar name is proposed, else the makers' own."""
    compose = (
        f"services: {{rabbitmq: {{image: 'rabbitmq:4'}}, worker: {{image: 'bitnami/{name}'}}, api: {{image: node}}}}"
    )
    _, findings = judged(tmp_path, compose, "rabbitmq-task-queue")
    (finding,) = [f for f in findings if f.severity == "error"]
    assert finding.code == "image-gone"
    assert finding.remedy is not None
    assert finding.remedy.params == near


def test_without_an_assignment_a_broker_is_judged_by_the_public_rule(tmp_path: Path) -> None:
    """Nothing is refused for its image alone; what is gone is said."""
    plan, findings = judged(tmp_path, KAFKA.replace("db: {image: postgres:16}", "db: {image: 'rabbitmq:5'}"), None)
    assert plan is not None
    assert {"bitnami/kafka:3.7", "rabbitmq:5"} < set(plan.images)
    assert {(f.severity, f.code) for f in findings} >= {
        ("warning", "image-gone"),
        ("notice", "image-outside-catalogue"),
    }


def test_what_is_gone_and_not_needed_is_left_out(submission: Submission) -> None:
    """A console of Bitnami's beside the contract's services costs nothing."""
    plan = submission.task_queue(extra="ui: {image: bitnami/redis}").plan(PUBLIC)
    assert "ui" not in plan.compose["services"]
    assert {f.code for f in plan.findings} >= {"service-left-out"}
    assert "image-gone" not in {f.code for f in plan.findings}
