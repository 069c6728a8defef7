"""The attribute build: what students write is taken, what reaches out is refused at its line with a way to write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

TAKEN = [
    "build: .",
    "build: ./",
    "build: {context: .}",
    "build: {context: ./api}",
    "build: {context: api, target: base}",
    "build: {context: ., dockerfile: ./docker/api.Dockerfile}",
    "build: {context: ./api, dockerfile: ../docker/api.Dockerfile}",
    "build: {context: ., args: {VERSION: 20, DEBUG: true}}",
    "build: {context: ., args: [VERSION=20, BARE]}",
    "build: {context: ., network: default}",
    "build: {context: ., network: none}",
    "build: {context: ., privileged: 'no'}",
    "build: {context: ., tags: ['postgres:16'], labels: {a: b}, no_cache: true, pull: true, shm_size: 64m}",
    "build: {context: ., platforms: [linux/amd64], provenance: false, sbom: false}",
    "build: {context: ., cache_from: ['type=registry,ref=x/y'], cache_to: ['type=local,dest=/etc']}",
]
REFUSED = [
    ("{context: ., privileged: 'yes'}", "privileged"),
    ("{context: ., privileged: on}", "privileged"),
    ("{context: ., network: 'container:x'}", "host-network"),
    ("{context: ., network: mynet}", "host-network"),
    ("{context: ., ssh: [default]}", "build-secret"),
    ("{context: 'target:x'}", "build-context"),
    ("{context: ., additional_contexts: [root=/]}", "build-context"),
    ("{context: 'oci-layout://x'}", "build-context"),
    ("{context: ., args: {buildkit_syntax: x}}", "build-arg"),
    ("{context: ., args: [HTTPS_PROXY=x]}", "build-arg"),
    ("{context: ., args: {'A B': x}}", "attribute-value"),
    ("{context: ./api/../..}", "path-outside"),
    ("{context: ., dockerfile: 'https://x/Dockerfile'}", "path-outside"),
    ("{context: ., isolation: hyperv}", "isolation"),
    ("{context: ., target: '" + "9" * 5000 + "'}", "build-target"),
    ("{context: ., dockerfile: api}", "dockerfile-missing"),
    ("{context: ., entitlements: [network.host]}", "privileged"),
    ("{context: ., secrets: [{source: a}]}", "build-secret"),
]


@pytest.fixture
def project(submission: Submission) -> Submission:
    text = "FROM node:20-alpine AS base\nARG VERSION\nCMD node\n"
    return submission.write("api/Dockerfile", text).write("docker/api.Dockerfile", text)


@pytest.mark.parametrize("build", TAKEN)
def test_what_students_write_is_taken(project: Submission, build: str) -> None:
    """Every form of the attribute."""
    assert len(project.compose(f"services:\n  app:\n    {build}\n").plan().builds) == 1


@pytest.mark.parametrize(("build", "code"), REFUSED)
def test_what_reaches_out_is_refused_at_its_line(project: Submission, build: str, code: str) -> None:
    """With its code."""
    errors = project.compose(f"services:\n  app:\n    build: {build}\n").errors()
    assert errors.get(code) == 3


def test_the_name_and_tags_of_a_built_image_replace_nothing(project: Submission) -> None:
    """A service that names what another builds runs that; the name itself goes no further."""
    text = "services:\n  a:\n    build: {context: ., tags: [x]}\n    image: redis:7\n  b:\n    image: redis:7\n"
    services = project.compose(text).plan().compose["services"]
    assert {services["a"]["image"], services["b"]["image"]} == {"build:a"}


def test_a_pattern_that_docker_cannot_read_is_refused_in_its_own_file(project: Submission) -> None:
    """The line of the .dockerignore that counts, which is the Dockerfile's own where there is one."""
    project.write("api/.dockerignore", "a\n[\n").compose("services:\n  app:\n    build: api\n")
    found = [(f.code, f.file, f.line) for f in project.findings() if f.severity == "error"]
    assert found == [("dockerignore-pattern", "api/.dockerignore", 2)]
    project.write("api/Dockerfile.dockerignore", "src\\sub\n")
    found = [(f.code, f.file, f.line) for f in project.findings()]
    assert found == [("path-backslash", "api/Dockerfile.dockerignore", 1)]


def test_an_ignore_file_outside_is_not_read(project: Submission) -> None:
    """A link that leads out of the submission counts for nothing."""
    (project.root / "api/.dockerignore").symlink_to("/etc/passwd")
    assert project.compose("services:\n  app:\n    build: api\n").findings() == ()


def test_a_dockerfile_in_lower_case_is_taken_where_docker_does(project: Submission) -> None:
    """Where its name is the usual one, also in another folder; the usual one comes first."""
    project.write("low/dockerfile", "FROM node:22-slim\n").compose("services:\n  app:\n    build: low\n")
    assert [b.dockerfile for b in project.plan().builds] == ["low/dockerfile"]
    project.compose("services:\n  app:\n    build: {context: ., dockerfile: low/Dockerfile}\n")
    assert [b.dockerfile for b in project.plan().builds] == ["low/dockerfile"]
    project.write("low/Dockerfile", "FROM node:20-alpine\n")
    assert [b.dockerfile for b in project.plan().builds] == ["low/Dockerfile"]


@pytest.mark.parametrize("name", ["Dockerfile.txt", "DockerFile", "dockerfile.txt", "Dokcerfile"])
def test_a_dockerfile_that_is_called_nearly_so_is_named(project: Submission, name: str) -> None:
    """With what to call it, or what to write."""
    project.write(f"x/{name}", "FROM node:22-slim\n").compose("services:\n  app:\n    build: x\n")
    (finding,) = [f for f in project.findings() if f.code == "dockerfile-missing"]
    assert finding.remedy is not None
    assert finding.remedy.params == {"near": name, "name": "Dockerfile"}
