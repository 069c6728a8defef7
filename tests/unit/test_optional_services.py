"""Services that a submission may have or not, and those of which it has one at least: from the YAML to the checks."""

from __future__ import annotations

import json
import textwrap
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from grader import assignments, catalogue, serving, stages, starting
from grader.checks import runner
from grader.cli import command
from grader.errors import UsageError
from grader.i18n import render
from grader.inspection import verdict
from grader.model.outcome import Outcome
from grader.model.workspace import Workspace
from grader.policy import judge
from grader.run import Run
from grader.stack import readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from grader.model.assignment import Assignment
    from grader.model.plan import StackPlan

YAML = """
title: {es: Tienda, en: Shop}
version: "1"
images: catalogue
services:
  - {name: api, role: http, port: 3000}
  - {name: db, role: postgres, port: 5432, images: [postgres], database: app, one_of: store}
  - {name: redis, role: redis, port: 6379, images: [redis], one_of: store}
  - {name: mq, role: rabbitmq, port: 5672, images: [rabbitmq], optional: true}
checks:
  - {id: a.one, title: {es: A, en: A}, points: 100, level: core, visibility: public}
"""
CHECK = '''
from grader import check

@check("a.one")
def test_a(environment):
    """Requisito.

    Requirement."""
'''
API, DB, REDIS, MQ = (
    f"{name}: {{image: '{image}'}}"
    for name, image in (
        ("api", "node:20-alpine"), ("db", "postgres:16-alpine"), ("redis", "redis:7-alpine"), ("mq", "rabbitmq:3"),
    )
)  # fmt: skip


def write(root: Path, yaml: str = YAML) -> Path:
    """Write the assignment below a folder of assignments; return that folder."""
    folder = root / "assignments" / "shop"
    (folder / "public").mkdir(parents=True)
    (folder / "assignment.yaml").write_text(yaml, "utf-8")
    (folder / "public" / "test_shop.py").write_text(CHECK, "utf-8")
    return root / "assignments"


@pytest.fixture
def shop(tmp_path: Path) -> Assignment:
    """An API with a store of the student's choice, and a queue that it may have."""
    return assignments.load("shop", write(tmp_path))


class Judged:
    """What comes of services, each written on a line of its own below the first."""

    def __init__(self, root: Path, assignment: Assignment | None, services: Iterable[str]) -> None:
        root.mkdir()
        (root / "compose.yaml").write_text("services:\n" + textwrap.indent("\n".join(services), "  "), "utf-8")
        self.root = root
        self.verdict = verdict(root, assignment, catalogue.load(), lang="en")
        self.errors = {f["code"]: f["line"] for f in self.verdict["findings"] if f["severity"] == "error"}

    def said(self, code: str) -> tuple[str, str]:
        """Return message and remedy of a finding."""
        return next((f["message"], f["remedy"]) for f in self.verdict["findings"] if f["code"] == code)


@pytest.fixture
def judged(tmp_path: Path, shop: Assignment) -> Callable[..., Judged]:
    return lambda *services: Judged(tmp_path / "submission", shop, services)


def plan_of(found: Judged, assignment: Assignment) -> StackPlan:
    """Return what would run of it."""
    return judge(Workspace(root=str(found.root), name="x"), assignment, catalogue.load())


def contract(found: Judged, assignment: Assignment) -> list[str]:
    """Return which of the contract's services a submission has."""
    return [service.name for service in plan_of(found, assignment).contract]


@pytest.mark.parametrize("services", [(API, DB), (API, REDIS), (API, DB, MQ), (MQ, REDIS, API)])
def test_one_store_and_maybe_a_queue(
    judged: Callable[..., Judged], shop: Assignment, services: tuple[str, ...]
) -> None:
    """What is there is the contract, and what is not is missed by nobody."""
    found = judged(*services)
    assert not found.errors
    there = {text.partition(":")[0] for text in services}
    assert set(contract(found, shop)) == set(found.verdict["effective"]["services"]) == there


def test_no_store(judged: Callable[..., Judged]) -> None:
    """All that could stand there is named."""
    found = judged(API)
    assert found.errors == {"service-missing": 1}
    assert found.said("service-missing") == (
        "None of these services is there, and one of them must be: db, redis.",
        "Add one of them: db (postgres), redis (redis).",
    )


def test_a_store_under_nearly_the_right_name(judged: Callable[..., Judged]) -> None:
    """Whichever of the alternatives is meant."""
    found = judged(API, "reddis: {image: 'redis:7-alpine'}")
    assert found.said("service-missing")[1] == "Call reddis redis, if it is meant."


def test_two_stores(judged: Callable[..., Judged], shop: Assignment) -> None:
    """Who keeps totals in one and a cache in the other has what the contract wants, and both are of it."""
    found = judged(API, REDIS, DB)
    assert not found.errors
    assert contract(found, shop) == ["api", "db", "redis"]


def test_the_other_system_under_another_name(judged: Callable[..., Judged], shop: Assignment) -> None:
    """A Redis beside the store is the submission's own; it may even answer to the name that nobody has."""
    found = judged(API, DB, "cache: {image: 'redis:7-alpine', container_name: redis}")
    assert not found.errors
    assert contract(found, shop) == ["api", "db"]


def test_what_is_not_there_cannot_be_shared(judged: Callable[..., Judged]) -> None:
    """It is said to be missing, as any name is that nobody has."""
    assert judged(DB, "api: {image: 'node:20-alpine', network_mode: 'service:redis'}").errors == {"service-unknown": 3}


def test_a_store_under_the_name_of_the_other(judged: Callable[..., Judged]) -> None:
    """The name tells which it is, and the remedy what it is to be called."""
    found = judged(API, "db: {image: 'redis:7-alpine'}")
    assert found.errors == {"witness-image": 3}
    assert found.said("witness-image")[1] == "Call it redis, if it is to run redis:7-alpine."


@pytest.mark.parametrize("name", ["db", "mq"])
def test_an_image_of_no_right_kind(judged: Callable[..., Judged], name: str) -> None:
    """Where such a service is there, it is held to its images like any other."""
    found = judged(API, REDIS if name == "mq" else "", f"{name}: {{image: 'node:20-alpine'}}")
    assert found.errors == {"witness-image": 4}
    assert found.said("witness-image")[1].startswith("Use ")


QUEUE_OFF = "mq: {image: 'redis:7-alpine', profiles: [x], entrypoint: [a], depends_on: [gui]}"
PROFILES = [
    ((API, DB, "redis: {image: 'node:20-alpine', profiles: [x]}"), {}, ["api", "db"]),
    ((API, REDIS, QUEUE_OFF, "gui: {image: 'some/gui:1'}"), {}, ["api", "redis"]),
    ((API, "redis: {image: 'redis:7-alpine', profiles: [x]}"), {"service-in-profile": 3}, []),
    (
        (API, *(f"{name}, profiles: [x]}}" for name in (DB[:-1], REDIS[:-1]))),
        {"service-in-profile": 3}, [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("services", "errors", "there"), PROFILES, ids=["other", "optional", "only", "both"])
def test_what_stands_in_a_profile_is_not_there(
    judged: Callable[..., Judged], shop: Assignment, services: tuple[str, ...], errors: dict[str, int], there: list[str]
) -> None:
    """It is held to nothing that the contract says; of alternatives that all stand in one, the first is named."""
    found = judged(*services)
    assert found.errors == errors
    if there:
        assert contract(found, shop) == there


def test_inspect_shows_it(tmp_path: Path) -> None:
    """From the command line, over the assignment's folder."""
    folder = write(tmp_path)
    submission = Judged(tmp_path / "entrega", None, [API, REDIS]).root
    arguments = ["inspect", str(submission), "--assignment", "shop", "--assignments", str(folder), "--json"]
    shown = CliRunner().invoke(command, arguments)
    assert shown.exit_code == 0
    assert set(json.loads(shown.stdout)["effective"]["services"]) == {"api", "redis"}
    submission.joinpath("compose.yaml").write_text(f"services:\n  {API}\n", "utf-8")
    refused = CliRunner().invoke(command, [*arguments[:-1], "--lang", "es"])
    assert refused.exit_code != 0
    assert "Añade" in refused.stdout


def test_only_what_is_there_is_started_awaited_and_given_to_the_checks(
    judged: Callable[..., Judged], shop: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stages after policy know nothing of the others; the result keeps the whole assignment."""
    sessions: list[Any] = []

    def run(session: Any, *_: object) -> tuple[tuple[Outcome, ...], tuple[()]]:
        sessions.append(session)
        return tuple(Outcome(check=check, verdict="passed") for check in session.checks), ()

    def wait(_stack: object, probes: dict[str, Any], within: float) -> dict[str, Any]:
        assert within == shop.limits.ready_s
        return {name: SimpleNamespace(ready=True, seconds=0.0, logs=()) for name in probes}

    monkeypatch.setattr(starting, "build", lambda *_: None)
    monkeypatch.setattr(serving, "ready_probe", lambda *_: bool)
    monkeypatch.setattr(serving, "refuses", lambda *_: "")
    monkeypatch.setattr(readiness, "wait", wait)
    monkeypatch.setattr(runner, "run", run)
    early: list[str] = []
    stack = SimpleNamespace(clock=lambda: 0.0, info=None, up=lambda names, **_: early.extend(names))
    made = Run(assignment=shop, submission="ana", seed=1, checks=("a.one",))
    plan = plan_of(judged(API, REDIS), shop)
    known: dict[str, Any] = {"stack": stack, "plan": plan, "run": made, "first": (), "folder": tmp_path}
    built = stages.build(stages.Created(**dict.fromkeys(stages.Created.__struct_fields__) | known))
    assert built.brokers
    built.brokers.result()
    ready = stages.ready(stages.grown(stages.Served, built, states={}))
    graded = stages.checks(ready)
    assert early == ["redis"]
    assert set(ready.states) == {"api", "redis"}
    assert [service.name for service in sessions[0].assignment.services] == ["api", "redis"]
    assert graded.result().assignment.services == shop.services


WRONG = [
    ("one_of: store}\n  - {name: mq", "optional: true}\n  - {name: mq", "db alone says one_of: store."),
    ("one_of: store}\n  - {name: mq", "one_of: store, optional: true}\n  - {name: mq", "redis is optional and says"),
    ("one_of: store", "one_of: mq", "one_of: mq, which is the name of a service."),
    ("name: mq", "name: api", "two services are called api."),
    ("role: postgres", "role: postgras", "Write one of: postgres."),
    ("optional: true", "optinal: true", "unknown field `optinal`"),
    ("optional: true", "optional: maybe", "Expected `bool`"),
    ("one_of: store", "one_of: [db, redis]", "Expected `str`, got `array`"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG)
def test_a_contract_that_makes_no_sense_is_refused(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    """When it is loaded, with the file and what is expected."""
    assert right in YAML
    folder = write(tmp_path, YAML.replace(right, wrong))
    with pytest.raises(UsageError) as caught:
        assignments.load("shop", folder)
    message = render(caught.value.message, "en")
    assert "assignment.yaml" in message
    assert said in message
