"""Image names are normalised, found by tag, and answered with the nearest one that is known."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import catalogue, paths

KNOWN = catalogue.load()
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("rabbitmq", "rabbitmq:latest"),
        ("rabbitmq:3-management", "rabbitmq:3-management"),
        ("docker.io/library/rabbitmq:3", "rabbitmq:3"),
        ("docker.io/rabbitmq:3", "rabbitmq:3"),
        ("index.docker.io/library/rabbitmq:3", "rabbitmq:3"),
        ("library/node:20", "node:20"),
        (" node:20 ", "node:20"),
        ("docker.io/bitnami/rabbitmq:3", "bitnami/rabbitmq:3"),
        ("quay.io/org/thing:1.0", "quay.io/org/thing:1.0"),
        ("registry.example:5000/node:20", "registry.example:5000/node:20"),
        (f"node:20@{DIGEST}", f"node:20@{DIGEST}"),
    ],
)
def test_names_are_normalised(written: str, normal: str):
    """The default registry goes, a missing tag is latest, everything else stays."""
    assert str(catalogue.parse(written)) == normal


@pytest.mark.parametrize(
    "written",
    ["", "Rabbitmq:3", "node:", "node 20", "a" * 12, "b" * 64, DIGEST, "sha256:abc", "node:20:21", "-node", "node:-x"],
)
def test_what_is_no_name_is_refused(written: str):
    """Ids of local images and malformed names are no names."""
    assert catalogue.parse(written) is None
    assert KNOWN.find(written) is None


@pytest.mark.parametrize(
    ("name", "equivalent"),
    [
        ("rabbitmq:3-management", "rabbitmq:3-management"),
        ("rabbitmq:3.10-management", "rabbitmq:3-management"),
        ("docker.io/library/rabbitmq:3-management-alpine", "rabbitmq:3-management-alpine"),
        ("rabbitmq:4", "rabbitmq:4"),
        ("node:20-alpine", "node:20-alpine"),
        ("node:20-alpine3.20", "node:20-alpine"),
        ("node:20-bookworm-slim", "node:20-slim"),
        ("node:22", "node:22"),
        ("python:3.13-slim", "python:3.13-slim"),
        ("python:3.11-slim-bookworm", "python:3.11-slim"),
        ("debian:trixie", "debian:trixie-slim"),
        ("redis:7-alpine", "redis:7-alpine"),
        ("postgres:15-alpine3.22", "postgres:15-alpine"),
        ("postgres:16", "postgres:16"),
        ("postgres:16-alpine", "postgres:16-alpine"),
        ("apache/kafka:3.9.1", "apache/kafka:3.9.1"),
        ("confluentinc/cp-kafka", "confluentinc/cp-kafka:8.0.0"),
        ("golang:1.24-bookworm", "golang:1.24"),
        ("maven:3.9-eclipse-temurin-17", "maven:3.9-eclipse-temurin-17"),
    ],
)
def test_names_with_an_equivalent(name: str, equivalent: str):
    """Each of the names that students use leads to the recipe that stands in for it."""
    entry = KNOWN.find(name)
    assert entry is not None
    assert entry.equivalent is not None
    assert entry.equivalent.name == equivalent
    assert entry.equivalent.reference == "grader.local/" + equivalent


@pytest.mark.parametrize(
    "name",
    [
        "python:3.12-slim",
        "python:3.12",
        "rabbitmq:3.13-management",
        "rabbitmq:4.1-management",
        "rabbitmq:latest",
        "node:latest",
        "node:20.11.0-alpine",
        "node:lts-alpine",
        "postgres:15.3",
        "postgres:15.3-alpine",
        "postgres:16.9",
        "redis:7.2",
        "apache/kafka:3.8.1",
        "apache/kafka:latest",
        "maven:3.9-eclipse-temurin-25",
        f"rabbitmq:3-management@{DIGEST}",
    ],
)
def test_names_that_can_only_be_pulled(name: str):
    """A version that no source gives is in the catalogue, and nothing else takes its name."""
    entry = KNOWN.find(name)
    assert entry is not None
    assert entry.equivalent is None


@pytest.mark.parametrize(
    "name",
    ["rabbitmq:5", "node:18", "node:8-alpine", "bitnami/rabbitmq:3", "ubuntu:24.04", "python:2.7", "quay.io/node:20"],
)
def test_names_outside_of_the_catalogue(name: str):
    """What is not listed is not found, also under another registry or owner."""
    assert KNOWN.find(name) is None


def test_a_digest_is_kept_apart():
    """The tag decides, and the digest is handed on."""
    entry = KNOWN.find(f"rabbitmq:3-management@{DIGEST}")
    assert entry is not None
    assert (entry.upstream, entry.tag, entry.digest, entry.kind) == ("rabbitmq", "3-management", DIGEST, "broker")


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("rabbitmq:3-managment", "rabbitmq:3-management"),
        ("rabitmq:3-management", "rabbitmq:3-management"),
        ("node:20-alpin", "node:20-alpine"),
        ("nodejs:20", "node:20"),
        ("Python:3.13-slim", "python:3.13-slim"),
        ("apache/kafak:3.9.1", "apache/kafka:3.9.1"),
    ],
)
def test_a_slip_of_the_pen_gets_what_was_meant(wrong: str, near: str):
    """Letters that are missing or swapped, in the name or in the tag."""
    assert KNOWN.nearest(wrong) == near


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("bitnami/rabbitmq:latest", "rabbitmq:4-management"),
        ("bitnami/kafka", "apache/kafka:3.9.1"),
        ("bitnami/postgresql:16", "postgres:16"),
        ("bitnami/redis:7.2-debian-12-r3", "redis:7"),
        # one that knows ZooKeeper, as those do
        ("wurstmeister/kafka", "confluentinc/cp-kafka:7.9.0"),
        ("wurstmeister/kafka:2.13-2.8.1", "confluentinc/cp-kafka:7.9.0"),
        ("cp-kafka", "confluentinc/cp-kafka:7.9.0"),
        ("zookeeper", "confluentinc/cp-zookeeper:7.9.0"),
        ("quay.io/debezium/zookeeper:2.7", "confluentinc/cp-zookeeper:7.9.0"),
        ("openjdk:17-jdk-slim", "eclipse-temurin:17-jdk"),
        ("openjdk:11-jre", "eclipse-temurin:17-jre"),
        ("docker.io/arm64v8/node:20", "node:20"),
        ("postgis/postgis:16-3.4-alpine", "postgres:16-alpine"),
    ],
)
def test_another_publishers_image_gets_the_same_program(wrong: str, near: str):
    """What an image is counts, not whose it is and not how near its letters come to another name."""
    assert KNOWN.nearest(wrong) == near


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("apache/kafka:3.8", "apache/kafka:3.9.1"),
        ("apache/kafka:4", "apache/kafka:4.1.0"),
        ("confluentinc/cp-kafka:7.2", "confluentinc/cp-kafka:7.9.0"),
        ("confluentinc/cp-zookeeper:7.2", "confluentinc/cp-zookeeper:7.9.0"),
        ("rabbitmq:5", "rabbitmq:4"),
        ("rabbitmq:3.8", "rabbitmq:3"),
        ("rabbitmq:3.9-management", "rabbitmq:3-management"),
        ("rabbitmq:alpine", "rabbitmq:4-alpine"),
        ("node:18-alpine3.18", "node:20-alpine"),
        ("postgres:12", "postgres:15"),
        ("postgres:16.9", "postgres:16"),
        ("eclipse-temurin:25", "eclipse-temurin:21-jdk"),
        ("maven:3.8-openjdk-17", "maven:3.9-eclipse-temurin-17"),
        ("golang:1.24-alon", "golang:1.24"),
        ("python:latest", "python:3.13-slim"),
    ],
)
def test_a_tag_gets_the_nearest_version_of_its_kind(wrong: str, near: str):
    """The image stays; of its tags that of the nearest major version, then of the same kind, then the minor version."""
    assert KNOWN.nearest(wrong) == near


@given(st.sampled_from(sorted(KNOWN.images)), st.from_regex(r"[a-z0-9.-]{0,20}", fullmatch=True))
def test_what_is_near_can_be_had(upstream: str, tag: str):
    """Whatever tag was written, the proposal is of the same image, can be built here, and is not called latest."""
    near = KNOWN.nearest(f"{upstream}:0{tag}")
    assert near is not None
    entry = KNOWN.find(near)
    assert entry is not None
    assert entry.upstream == upstream
    assert entry.equivalent is not None
    assert entry.tag != "latest"


@pytest.mark.parametrize("name", ["quay.io/foo/something:1", "provectuslabs/kafka-ui", "ghcr.io/who/node-app", "mysql"])
def test_nothing_is_near_to_something_else(name: str):
    """A program beside a broker is not that broker, and what resembles nothing gets no proposal."""
    assert KNOWN.nearest(name) is None


def test_the_catalogue_is_consistent():
    """References inside the data lead somewhere; each equivalent is found under its own name, or others stand on it."""
    bases = {each.base for each in KNOWN.equivalents.values()}
    for name, equivalent in KNOWN.equivalents.items():
        entry = KNOWN.find(name)
        assert entry is not None or name in bases, name
        assert entry is None or entry.equivalent == equivalent
        for lower in (equivalent.base, *equivalent.uses.values()):
            assert not lower or lower in KNOWN.equivalents, lower
        assert bool(equivalent.base) != bool(equivalent.suite), name
    for upstream, image in KNOWN.images.items():
        assert KNOWN.find(f"{upstream}:{image.nearest}") is not None
        for tag in image.tags:
            re.compile(tag.match)
            assert not tag.equivalent or tag.equivalent in KNOWN.equivalents
    assert all(KNOWN.find(name) for name in KNOWN.prepared)


def test_no_digest_is_written_by_hand():
    """Digests come from the first pull, on the machine that pulled."""
    for file in (paths.PACKAGE / "images" / "catalog.yaml", *paths.PACKAGE.glob("brokers/*/images.yaml")):
        assert "sha256" not in file.read_text("utf-8")


def test_every_equivalent_says_which_programs_its_original_has() -> None:
    """Of those that are watched, in their order, so that a test can compare them with what is there."""
    for name, equivalent in catalogue.load().equivalents.items():
        assert equivalent.programs == tuple(p for p in KNOWN.watched if p in equivalent.programs), name
