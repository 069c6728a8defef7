"""Files that a submission names: other compose files, paths of every kind, whatever stands where a name should."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import SubmissionRefusedError
from grader.model.workspace import Workspace
from grader.policy import judge
from grader.policy.document.nodes import plain
from grader.policy.document.yaml_load import load
from grader.policy.merge import merge
from tests.unit.policy.conftest import SmallCatalogue

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

MERGED = [
    ("command: [a]", "command: [b]", {"command": ["b"]}),
    ("command: [a]", "command: ", {"command": None}),
    ("environment: {A: '1', B: '1'}", "environment: [B=2]", {"environment": {"A": "1", "B": "2"}}),
    ("environment: {A: '1'}", "environment: ", {"environment": {"A": "1"}}),
    ("ports: ['1', '2']", "ports: ['2', '3']", {"ports": ["1", "2", "3"]}),
    ("dns: a", "dns: [b]", {"dns": ["a", "b"]}),
    ("volumes: ['a:/d', 'c:/c']", "volumes: ['b:/d:ro']", {"volumes": ["b:/d:ro", "c:/c"]}),
    ("healthcheck: {test: [a], retries: 3}", "healthcheck: {test: b}", {"healthcheck": {"test": "b", "retries": 3}}),
    (
        "depends_on: [a]",
        "depends_on: {b: {condition: x}}",
        {"depends_on": {"a": {"condition": "service_started"}, "b": {"condition": "x"}}},
    ),
    ("networks: [a]", "networks: {a: {aliases: [x]}}", {"networks": {"a": {"aliases": ["x"]}}}),
    ("build: ./a", "build: {target: x}", {"build": {"context": "./a", "target": "x"}}),
    ("extra_hosts: {a: 127.0.0.1}", "extra_hosts: ['b:127.0.0.1']", {"extra_hosts": ["a=127.0.0.1", "b:127.0.0.1"]}),
    ("restart: always", "restart: 'no'", {"restart": "no"}),
    ("ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits: {nofile: 5}", {"ulimits": {"nofile": 5}}),
    ("ports: ['1']", "ports: {a: b}", {"ports": {"a": "b"}}),
]  # fmt: skip


@pytest.mark.parametrize(("base", "own", "merged"), MERGED)
def test_what_a_service_extends_is_merged_as_compose_does(base: str, own: str, merged: object) -> None:
    """Attribute by attribute."""
    assert plain(merge(load(base.encode()), load(own.encode()))) == merged  # type: ignore[arg-type]


def test_a_finding_in_an_extended_file_names_that_file_and_line(submission: Submission) -> None:
    """Each in the file where it was written."""
    submission.write("sub/base.yaml", "services:\n  b:\n    image: node:20-alpine\n    cap_add:\n      - SYS_ADMIN\n")
    submission.compose(
        "services:\n  a:\n    extends: {file: sub/base.yaml, service: b}\n    cap_add: [NET_ADMIN]\n    pid: host\n"
    )
    errors = [(f.code, f.file, f.line) for f in submission.findings() if f.severity == "error"]
    assert errors == [
        ("capability", "sub/base.yaml", 5), ("capability", "compose.yaml", 4), ("host-pid", "compose.yaml", 5),
    ]  # fmt: skip


def test_an_extended_file_that_leads_out_by_a_link_is_not_read(submission: Submission) -> None:
    """No finding quotes it either."""
    (submission.root / "base.yaml").symlink_to("/etc/passwd")
    submission.compose("services: {a: {image: 'node:20-alpine', extends: {file: base.yaml, service: b}}}")
    assert set(submission.errors()) == {"extends"}
    assert "root:" not in str(submission.findings())


def test_extending_goes_ten_deep_and_no_deeper(submission: Submission) -> None:
    """A chain of ten is fine."""

    def chain(length: int) -> str:
        links = "".join(f"  s{i}: {{extends: s{i - 1}}}\n" for i in range(1, length))
        return "services:\n  s0: {image: 'node:20-alpine'}\n" + links

    assert submission.compose(chain(10)).errors() == {}
    assert set(submission.compose(chain(14)).errors()) >= {"extends-depth"}


def test_too_many_files_are_refused(submission: Submission) -> None:
    """Included one by another."""
    for i in range(12):
        submission.write(f"f{i}.yaml", f"include: [f{i + 1}.yaml]\n" if i < 11 else "x-a: 1\n")
    submission.compose("include: [f0.yaml]\nservices: {a: {image: 'node:20-alpine'}}")
    assert {"too-many-files", "include-depth"} & set(submission.errors())


PATHS = ["./" + "a" * 300, "./" + "a/" * 2000, "./a\\0b", "./\\ud800", "./\\u202e", "./" + "é" * 200, "", " ", "./ "]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "place",
    [
        "volumes: [{{type: bind, source: \"{0}\", target: /x}}]", 'env_file: "{0}"', 'build: {{context: "{0}"}}',
        'extends: {{file: "{0}", service: a}}',
    ],
)  # fmt: skip
def test_a_path_that_no_file_can_have_is_a_finding(submission: Submission, path: str, place: str) -> None:
    """Wherever a path may stand."""
    submission.service(place.format(path))
    assert all(f.code for f in submission.findings())


LEAVES = st.sampled_from(["a", "b", "x.yaml", "sub/y.yaml", "compose.yaml", "../x", "oci://x", "", "/", "."]) | (
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=False)
)
KEYS = st.sampled_from(["service", "file", "path", "project_directory", "env_file", "image", "extends", "x"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


@given(VALUES, VALUES, VALUES)
@settings(deadline=None, max_examples=150)
def test_whatever_extends_and_include_say_is_judged(extends: object, include: object, other: object) -> None:
    """Any value there gives findings or a plan."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "sub").mkdir()
        services = {"a": {"image": "node:20-alpine", "extends": extends}, "b": {"image": "node:20-alpine"}}
        (root / "compose.yaml").write_text(json.dumps({"include": include, "services": services}))
        (root / "x.yaml").write_text(json.dumps({"services": {"a": other, "c": {"extends": "a"}}}))
        (root / "sub" / "y.yaml").write_text(json.dumps({"include": other, "services": other}))
        try:
            plan = judge(Workspace(root=folder, name="x"), None, SmallCatalogue())
        except SubmissionRefusedError as refused:
            assert any(f.severity == "error" for f in refused.findings)  # noqa: PT017 - both ways are right
            return
    assert "a" in plan.compose["services"]
