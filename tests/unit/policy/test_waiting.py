"""Waiting until a service is healthy that has no health check: Compose refuses it at home, so it is said and counts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from grader import assignments, catalogue, intake
from grader.errors import SubmissionError
from grader.policy import judge
from grader.policy.waiting import CODE
from grader.verify.subjects import subjects
from tests.unit.policy.conftest import TASK_QUEUE

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

PUBLIC = msgspec.structs.replace(TASK_QUEUE, images="public")
HEALTHY = "depends_on: {rabbitmq: {condition: service_healthy}}"
CHECKED = "healthcheck: {test: [CMD, rabbitmq-diagnostics, ping]}"
# (the compose file's words on the broker, whether somebody looks at its health)
WRITTEN = [
    ("", False),
    ("healthcheck: {interval: 5s}", False),
    ("healthcheck: {disable: true}", False),
    ("healthcheck: {test: [NONE]}", False),
    ("healthcheck: {test: [CMD, x], disable: true}", False),
    (CHECKED, True),
    ("healthcheck: {test: rabbitmq-diagnostics ping}", True),
]
CHECK = "HEALTHCHECK CMD true\n"
BUILT = [
    ("FROM node:20-alpine\n", False),
    ("FROM scratch\n", False),
    ("FROM node:20-alpine\n" + CHECK, True),
    ("FROM node:20-alpine\n" + CHECK + "HEALTHCHECK NONE\n", False),
    ("FROM node:20-alpine AS a\n" + CHECK + "FROM a\nRUN x\n", True),
    ("FROM node:20-alpine AS a\n" + CHECK + "FROM a\nHEALTHCHECK none\n", False),
    ("FROM node:20-alpine AS a\n" + CHECK + "FROM node:20-alpine\nCOPY --from=a /a /b\n", False),
    ("FROM node:20-alpine AS a\nONBUILD " + CHECK + "FROM a\n", True),
]


@pytest.mark.parametrize(("rabbit", "checked"), WRITTEN)
def test_the_compose_file_may_have_a_health_check(submission: Submission, rabbit: str, checked: bool) -> None:
    """An interval alone is none, since the images of the catalogue bring no check."""
    plan = submission.task_queue(rabbit=rabbit, api=HEALTHY).plan(TASK_QUEUE)
    found = [(f.severity, f.line, f.path) for f in plan.findings if f.code == CODE]
    assert found == ([] if checked else [("warning", 7, "services.api.depends_on.rabbitmq")])
    waits = plan.compose["services"]["api"]["depends_on"]["rabbitmq"]["condition"]
    assert waits == ("service_healthy" if checked else "service_started")
    assert plan.waits == ()


@pytest.mark.parametrize(("dockerfile", "checked"), BUILT)
def test_a_dockerfile_may_have_a_health_check(submission: Submission, dockerfile: str, checked: bool) -> None:
    """Its own, or that of a stage that the target grows from; NONE takes it away again."""
    submission.write("Dockerfile", dockerfile)
    submission.task_queue(worker="depends_on: {api: {condition: service_healthy}}")
    assert (CODE in submission.codes(TASK_QUEUE)) == (not checked)


def test_the_image_that_another_service_builds_is_asked(submission: Submission) -> None:
    """Services that share an image share what it says."""
    submission.write("Dockerfile", "FROM node:20-alpine\n" + CHECK)
    for image, checked in (("mine", True), ("node:20-alpine", False)):
        submission.compose(
            "services:\n  a: {build: ., image: mine}\n"
            f"  b: {{image: '{image}'}}\n  c: {{build: ., depends_on: {{b: {{condition: service_healthy}}}}}}\n"
        )
        assert (CODE in submission.codes()) == (not checked)


def test_an_image_from_outside_of_the_catalogue_is_asked_when_it_is_here(submission: Submission) -> None:
    """Nobody knows it before; the wait stays as it is written until then."""
    submission.write("Dockerfile", "FROM ruby:3.3\n")
    submission.task_queue(
        api="depends_on: {store: {condition: service_healthy}}",
        worker="depends_on:\n  api:\n    condition: service_healthy",
        extra="store: {image: 'some/store:1'}",
    )
    plan = submission.plan(PUBLIC)
    assert CODE not in {f.code for f in plan.findings}
    assert [(w.service, w.other, w.image, w.line) for w in plan.waits] == [
        ("api", "store", "some/store:1", 7),
        ("worker", "api", "ruby:3.3", 11),
    ]


def test_who_only_wants_it_started_or_can_do_without_is_right(submission: Submission) -> None:
    """Compose starts these, with a warning at most."""
    for condition in ("service_started", "service_healthy, required: false"):
        api = f"depends_on: {{rabbitmq: {{condition: {condition}}}}}"
        submission.task_queue(api=api, worker="depends_on: [rabbitmq]")
        assert CODE not in submission.codes(TASK_QUEUE)


@pytest.mark.parametrize("name", assignments.names())
def test_it_decides_the_check_that_all_others_need(name: str) -> None:
    """Nothing of such a project starts at home: what several others need, themselves or by what they need, fails."""
    found = assignments.load(name)
    (decided,) = [c for c in found.checks if CODE in c.fails_on]
    waiting = {decided.id}
    for _ in found.checks:
        waiting |= {c.id for c in found.checks if waiting & set(c.needs)}
    assert len(waiting) > 3


@pytest.mark.parametrize("name", assignments.names())
def test_no_answer_of_ours_waits_in_vain_but_the_one_that_is_meant_to(name: str) -> None:
    """References, right alternatives and mutants: a mutant fails for its own mistake alone."""
    found = set()
    for subject in subjects(assignments.load(name)):
        with tempfile.TemporaryDirectory() as folder:
            subject.lay(Path(folder) / subject.name)
            workspace = intake.take(Path(folder) / subject.name, Path(folder) / "workspace")
            try:
                plan = judge(workspace, assignments.load(name), catalogue.load())
            except SubmissionError:
                continue
            if CODE in {f.code for f in plan.findings}:
                found.add(subject.name)
    assert found == ({"no-healthcheck"} if name == "rabbitmq-task-queue" else set())
