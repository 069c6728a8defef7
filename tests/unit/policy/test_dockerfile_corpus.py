"""Dockerfiles as attackers and as students write them, a file each under tests/corpus/dockerfile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from grader.model.assignment import Assignment, ContractService
from grader.model.grade import ResolvedImage
from grader.model.text import Bilingual
from grader.policy import bind
from grader.policy.dockerfile import syntax as df

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

CORPUS = Path(__file__).parents[2] / "corpus" / "dockerfile"
EXPECTED: dict[str, str] = yaml.safe_load((CORPUS / "hostile.yaml").read_text("utf-8"))
CATALOGUE_ONLY = Assignment(
    id="x", title=Bilingual(es="x", en="x"), services=(ContractService(name="app", role="worker"),), checks=()
)


def files(kind: str) -> list[str]:
    return sorted(path.name.removesuffix(".Dockerfile") for path in (CORPUS / kind).iterdir())


def given(submission: Submission, kind: str, name: str) -> Submission:
    submission.write("Dockerfile", (CORPUS / kind / f"{name}.Dockerfile").read_bytes())
    return submission.compose("services:\n  app:\n    build: .\n")


def test_every_hostile_file_has_its_code() -> None:
    """The list and the folder say the same."""
    assert files("hostile") == sorted(EXPECTED)


@pytest.mark.parametrize("name", files("hostile"))
def test_a_hostile_dockerfile_is_refused_with_its_code_and_in_no_time(submission: Submission, name: str) -> None:
    """A file each under tests/corpus."""
    began = time.monotonic()
    errors = given(submission, "hostile", name).errors(CATALOGUE_ONLY)
    assert set(EXPECTED[name].split("|")) & set(errors), errors
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("name", files("legitimate"))
def test_what_students_write_is_accepted_and_reads_the_same_once_more(submission: Submission, name: str) -> None:
    """What we write is in its final form."""
    plan = given(submission, "legitimate", name).plan()
    (build,) = plan.builds
    again = df.parse(build.text.encode())
    assert not [i for i in again.instructions if i.heredocs]
    assert df.write(again) == build.text
    assert df.parse(df.write(again).encode()) == again
    bound = bind(plan, {n: ResolvedImage(name=n, reference=f"grader.local/{n}") for n in plan.images}).builds[0]
    assert "--mount" not in bound.text


BAITS = [
    "FROM node:20-alpine AS a\n" + "ONBUILD RUN x\n" * 2000 + "FROM a\n" * 4000,
    "FROM node:20-alpine AS a\n" + "".join(f"ENV A{n}=x\n" for n in range(1500)) + "FROM a AS a\n" * 3000,
    "FROM node:20-alpine\nENV A=aaaaaaaaaaaaaaaa\n" + "ENV A=$A$A\n" * 4000 + "ADD $A b\n" * 1000,
    "FROM node:20-alpine\n" + "RUN <<E\nE\n" * 5000,
    "FROM node:20-alpine\n" + "COPY <<E /x\n$A\nE\n" * 3000,
    "FROM node:20-alpine\nRUN cat <<E\n" + "<" * 50000 + "\nE\n",
    "FROM node:20-alpine\nVOLUME " + "/a " * 15000,
]


@pytest.mark.parametrize("bait", BAITS, ids=range(len(BAITS)))
def test_a_bait_is_judged_in_bounded_time(submission: Submission, bait: str) -> None:
    """However long its lines."""
    began = time.monotonic()
    submission.dockerfile(bait).findings(CATALOGUE_ONLY)
    assert time.monotonic() - began < 5
