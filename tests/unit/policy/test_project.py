"""Whole submissions: which file is read, what cannot be read, the course's own files, the verdict as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from grader.errors import UsageError
from grader.inspection import verdict
from tests.unit.policy.conftest import TASK_QUEUE, SmallCatalogue

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.policy.conftest import Submission

ONE = "services:\n  app:\n    image: node:20-alpine\n"


def test_no_compose_file_names_the_folder_that_has_one(submission: Submission) -> None:
    """The remedy says where to hand in from."""
    submission.write("proyecto/compose.yaml", ONE)
    finding = submission.findings()[0]
    assert finding.code == "compose-file-missing"
    assert finding.remedy is not None
    assert finding.remedy.params == {"folder": "proyecto"}


UNREADABLE = [
    ("", "compose-empty", 1),
    ("- a\n- b\n", "compose-not-mapping", 1),
    ("hola", "compose-not-mapping", 1),
    ("services:\n  a: [1,\n b", "yaml-syntax", 3),
    ("services:\n", "services-missing", 1),
    ("name: x\n", "services-missing", 1),
    ("services: [a]\n", "attribute-type", 1),
    ("services:\n  a: x\n", "attribute-type", 2),
    ("services:\n  a:\n    init: true\n", "image-missing", 2),
    ("services:\n  'a b': {image: x}\n", "name-malformed", 2),
    ("services:\n  a: {image: x}\n---\nservices:\n  a: {privileged: !reset true}\n", "several-documents", 3),
]


@pytest.mark.parametrize(("text", "code", "line"), UNREADABLE)
def test_what_cannot_be_read_is_refused_with_its_line(submission: Submission, text: str, code: str, line: int) -> None:
    """A file that is no compose file at all."""
    assert submission.compose(text).errors() == {code: line}


def test_a_compose_file_in_another_code_page_is_refused_with_what_to_do(submission: Submission) -> None:
    """Compose reads none, not even in a comment."""
    (finding,) = submission.compose(b"# caf\xe9\n" + ONE.encode()).findings()
    assert (finding.code, finding.line) == ("not-utf8", 1)
    assert finding.remedy is not None
    assert "UTF-8" in finding.remedy.msgid


def test_the_file_that_compose_takes_is_read_and_no_other(submission: Submission) -> None:
    """By Compose's own order of names, and without an override."""
    submission.write("docker-compose.yml", ONE).write("compose.yml", ONE.replace("app", "web"))
    submission.write("docker-compose.yaml", "x: [").write("compose.override.yml", "services: {web: {privileged: true}}")
    plan = submission.plan()
    assert list(plan.compose["services"]) == ["web"]
    assert {(f.code, f.file) for f in plan.findings} == {
        ("compose-file-ignored", "docker-compose.yml"),
        ("compose-file-ignored", "docker-compose.yaml"),
        ("compose-override-ignored", "compose.override.yml"),
    }


def test_a_compose_file_that_is_a_link_is_refused(submission: Submission) -> None:
    """It may lead to a file of the host."""
    (submission.root / "compose.yaml").symlink_to("/etc/shadow")
    assert set(submission.errors()) == {"compose-file-kind"}


def test_a_shared_part_is_merged_and_judged_where_it_is_used(submission: Submission) -> None:
    """The line is that of what is wrong."""
    submission.compose(
        "x-part: &part\n  image: node:20-alpine\n  privileged: true\nservices:\n  a: {<<: *part, init: true}\n"
    )
    assert submission.errors() == {"privileged": 3}


TASK_QUEUE_OF_THE_COURSE = """
version: '3.8'

services:
  rabbitmq:
    image: rabbitmq:3-management
    container_name: rabbitmq
    ports:
      - "5672:5672"    # AMQP
      - "15672:15672"

  worker:
    build: .
    depends_on:
      - rabbitmq
    deploy:
      replicas: 3  # 3 workers paralelos
    environment:
      - RABBITMQ_URL=amqp://admin:admin123@localhost:5672

  api:
    build: .
"""


def test_the_courses_own_file_is_accepted_and_its_faults_are_named(submission: Submission) -> None:
    """Each fault that it teaches has its code and line."""
    plan = submission.compose(TASK_QUEUE_OF_THE_COURSE).plan(TASK_QUEUE)
    assert {(f.code, f.severity, f.line) for f in plan.findings} == {
        ("version-obsolete", "notice", 2),
        ("broker-without-volume", "notice", 5),
        ("broker-user-not-declared", "warning", 5),
        ("localhost-in-url", "warning", 18),
    }
    assert plan.replicas == {"rabbitmq": 1, "worker": 3, "api": 1}
    assert plan.compose["services"]["rabbitmq"]["networks"] == {"default": {"aliases": ["rabbitmq"]}}


def test_a_volume_without_a_hostname_is_explained(submission: Submission) -> None:
    """RabbitMQ names its data after the host, so a volume alone keeps nothing."""
    submission.task_queue(rabbit="volumes: ['rabbitmq_data:/var/lib/rabbitmq']")
    submission.compose((submission.root / "compose.yaml").read_text() + "volumes:\n  rabbitmq_data:\n")
    codes = submission.codes(TASK_QUEUE)
    assert "broker-without-hostname" in codes
    assert "broker-without-volume" not in codes


def test_the_verdict_of_a_refused_submission(submission: Submission) -> None:
    """As JSON, with every field of a finding."""
    submission.service("privileged: true")
    found = verdict(submission.root, None, SmallCatalogue(), lang="en")
    assert json.loads(json.dumps(found)) == {
        "accepted": False,
        "findings": [
            {
                "code": "privileged",
                "severity": "error",
                "file": "compose.yaml",
                "line": 4,
                "path": "services.app.privileged",
                "message": "privileged gives a container the whole machine.",
                "remedy": "Remove the attribute.",
            }
        ],
        "effective": None,
    }


def test_the_verdict_of_an_accepted_submission_shows_what_would_run(submission: Submission) -> None:
    """The model that Compose would be handed."""
    submission.service("command: sleep 1")
    found = verdict(submission.root, None, SmallCatalogue(), lang="es")
    assert found["accepted"] is True
    assert found["effective"]["services"]["app"]["command"] == "sleep 1"


def test_a_submission_is_judged_without_being_changed(submission: Submission) -> None:
    """Not even a time in it."""
    submission.service("volumes: ['./x:/x']")

    def state(root: Path) -> list[tuple[str, int]]:
        return sorted((str(p), p.stat().st_mtime_ns) for p in root.rglob("*"))

    before = state(submission.root)
    verdict(submission.root, None, SmallCatalogue(), lang="en")
    assert state(submission.root) == before


def test_the_clean_copy_can_be_kept(submission: Submission, tmp_path: Path) -> None:
    """Without what is no source; a folder that holds something is refused."""
    submission.service("init: true").write(".git/config", "x")
    verdict(submission.root, None, SmallCatalogue(), lang="en", unpack=tmp_path / "kept")
    assert {p.name for p in (tmp_path / "kept").iterdir()} == {"compose.yaml", "Dockerfile"}
    with pytest.raises(UsageError):
        verdict(submission.root, None, SmallCatalogue(), lang="en", unpack=tmp_path / "kept")


BELOW = """
services:
  app:
    build: {context: .., dockerfile: docker/api.Dockerfile}
    env_file: [app.env, ../more.env]
    volumes: ["../data:/data", "./conf:/conf"]
    environment: {T: "$T"}
  old:
    extends: {file: base.yml, service: base}
"""


def test_a_compose_file_below_that_builds_from_above_is_taken(submission: Submission) -> None:
    """No folder could be handed in for it; its paths and its .env are those of its own folder."""
    submission.write("docker/docker-compose.yml", BELOW).write("docker/.env", "T=docker\n").write(".env", "T=top\n")
    submission.write("docker/app.env", "A=1\n").write("more.env", "B=2\n").write("data/x", "1").write(
        "docker/conf/x", "1"
    )
    submission.write("docker/base.yml", "services: {base: {build: {context: ../src}}}").write("README.md", "x")
    submission.write("docker/api.Dockerfile", "FROM node:20-alpine\n").write("src/Dockerfile", "FROM node:22-slim\n")
    plan = submission.plan()
    assert {(b.service, b.context, b.dockerfile) for b in plan.builds} == {
        ("app", ".", "docker/api.Dockerfile"),
        ("old", "src", "src/Dockerfile"),
    }
    assert plan.compose["services"]["app"]["environment"] == {"A": "1", "B": "2", "T": "docker"}
    assert [content.source for content in plan.volume_contents] == ["data", "docker/conf"]
    assert "compose-file-below" in submission.codes()


def test_a_compose_file_below_may_not_leave_the_submission(submission: Submission) -> None:
    """What lies above its folder is the submission, and nothing beyond."""
    submission.write("docker/compose.yaml", "services:\n  app: {build: ../..}\n")
    assert submission.errors() == {"path-outside": 2}


def test_several_folders_with_compose_files_are_named(submission: Submission) -> None:
    """Nobody knows which one is meant."""
    submission.write("a/compose.yaml", "services: {app: {build: ..}}").write("b/compose.yml", ONE)
    (finding,) = submission.findings()
    assert finding.remedy is not None
    assert finding.remedy.params == {"folders": "a, b"}


NEAR = ["docker-compose.yml.txt", "Docker-Compose.yml", "docker_compose.yml", "compose.yml.txt", "compose.yaml.yml"]


@pytest.mark.parametrize("name", NEAR)
def test_a_file_that_is_called_nearly_so_is_named(submission: Submission, name: str) -> None:
    """Windows hides the .txt; a system of the grader's knows letters' case."""
    submission.write(name, ONE).write("proyecto/compose.yaml", ONE)
    (finding,) = submission.findings()
    assert finding.remedy is not None
    assert finding.remedy.params["near"] == name


def test_a_compose_file_that_is_a_link_to_another_one_is_read(submission: Submission) -> None:
    """Its paths begin where the link lies, as for Compose."""
    submission.write("deploy/compose.yml", "services: {app: {build: ./app}}").write(
        "app/Dockerfile", "FROM node:20-alpine\n"
    )
    (submission.root / "compose.yaml").symlink_to("deploy/compose.yml")
    assert [b.context for b in submission.plan().builds] == ["app"]
