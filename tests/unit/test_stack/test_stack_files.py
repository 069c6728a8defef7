"""The files that Compose is given, and what is read from its output; no Docker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from grader.errors import GraderError
from grader.model.plan import Build
from grader.stack import emit
from grader.stack.builds import Builds
from grader.stack.objects import inside

if TYPE_CHECKING:
    from pathlib import Path


def final(services: dict[str, Any], **networks: str) -> dict[str, Any]:
    return emit.final_model(
        {"services": services, "networks": dict.fromkeys(networks), "volumes": {"data": {}}, "configs": {"c": {}}},
        project="p",
        labels={"grader.project": "p"},
        networks=networks,
        volumes={"data": "p_data"},
        resolvers={name: f"10.0.0.{number}" for number, name in enumerate(networks)},
    )


def test_networks_and_volumes_are_those_that_we_made() -> None:
    """They are external under their real names; services ask the gateway on their first network for names."""
    model = final(
        {"a": {"image": "x"}, "b": {"image": "x", "networks": {"back": {}, "default": {}}}}, default="p_d", back="p_b"
    )
    assert model["networks"]["back"] == {"external": True, "name": "p_b"}
    assert model["volumes"] == {"data": {"external": True, "name": "p_data"}}
    assert model["services"]["a"]["networks"] == ["default"]
    assert model["services"]["a"]["dns"] == ["10.0.0.0"]
    assert model["services"]["b"]["dns"] == ["10.0.0.1"]
    assert model["configs"] == {"c": {}}


def test_a_service_in_another_ones_network_gets_no_dns() -> None:
    """`network_mode: service:x` and `dns` exclude each other."""
    model = final({"a": {"image": "x"}, "b": {"image": "x", "network_mode": "service:a"}}, default="p_d")
    assert not {"dns", "networks"} & set(model["services"]["b"])


def test_built_images_and_labels_are_ours() -> None:
    """A service names what the project builds, in lower case, is never pulled, and carries our labels."""
    model = final({"Api": {"image": "build:Api", "build": {"context": "."}, "labels": {"x": "y"}}}, default="p_d")
    service = model["services"]["Api"]
    assert service["image"] == "grader.local/build/p-api:run"
    assert service["pull_policy"] == "never"
    assert service["labels"] == {"x": "y", "grader.project": "p"}
    assert "build" not in service


def test_only_networks_that_are_used_are_made() -> None:
    """The default network comes in where a service names none."""
    model = {
        "services": {"a": {}, "b": {"networks": ["front"]}, "c": {"network_mode": "none"}},
        "networks": {"unused": {}, "front": {}},
    }
    assert emit.needed_networks(model) == ["front", "default"]


def test_the_file_keeps_strings_strings(tmp_path: Path) -> None:
    """Whatever a YAML 1.1 or 1.2 reader would take for a number or a boolean is in quotes; nothing is aliased."""
    shared = {"A": "1e3", "B": "0o14", "C": "no", "D": "12:30", "E": "~", "F": "a\u2028\n\x07ñ"}
    emit.write({"one": shared, "two": shared, "n": 5}, tmp_path / "f")
    text = (tmp_path / "f").read_text()
    assert yaml.safe_load(text) == {"one": shared, "two": shared, "n": 5}
    assert '"1e3"' in text
    assert "&" not in text


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    (root / "app").mkdir(parents=True)
    (root / "app" / "main.py").write_text("1")
    return root


def builds(workspace: Path, *made: Build) -> Builds:
    return Builds(made, project="p", stage=workspace.parent / "stage", workspace=workspace)


def build(service: str, **more: Any) -> Build:
    return Build(service=service, **{"context": "app", "dockerfile": "app/Dockerfile", "text": "FROM x\n", **more})


def test_identical_builds_are_made_once(workspace: Path) -> None:
    """Same folder, text, target and arguments: one build and two names; another argument: another build."""
    made = builds(workspace, build("api"), build("worker"), build("other", args={"A": "$$1"}))
    (workspace.parent / "stage").mkdir()
    model = yaml.safe_load(made.stage({"grader.project": "p"}).read_text())
    assert list(model["services"]) == ["api", "other"]
    assert model["services"]["other"]["build"]["args"] == {"A": "$$1"}
    assert model["services"]["api"]["build"]["labels"] == {"grader.project": "p"}
    assert made.further_names() == {"grader.local/build/p-api:run": ["grader.local/build/p-worker:run"]}


def test_the_staged_context_is_a_copy_that_follows_no_link(workspace: Path) -> None:
    """Links stay links, a FIFO stays behind, the judged Dockerfile lies beside the context with its own ignore file."""
    (workspace / "app" / "link").symlink_to("../../outside")
    (workspace / "app" / "Dockerfile").write_text("FROM their/own\n")
    (workspace / "app" / "Dockerfile.dockerignore").write_text("x\n")
    builds_ = builds(workspace, build("api"))
    os.mkfifo(workspace / "app" / "fifo")
    (workspace.parent / "stage").mkdir()
    builds_.stage({})
    staged = workspace.parent / "stage" / "build" / "0"
    assert sorted(p.name for p in (staged / "context").iterdir()) == [
        "Dockerfile",
        "Dockerfile.dockerignore",
        "link",
        "main.py",
    ]
    assert (staged / "context" / "link").is_symlink()
    assert (staged / "Dockerfile").read_text() == "FROM x\n"
    assert (staged / "Dockerfile.dockerignore").read_text() == "x\n"


def test_a_context_outside_is_our_error(workspace: Path) -> None:
    """A plan cannot lead out of the workspace, by dots or by links."""
    (workspace / "out").symlink_to(workspace.parent)
    for path in ("..", "out", "missing", "/etc"):
        with pytest.raises(GraderError):
            inside(workspace, path)
    assert inside(workspace, ".") == workspace.resolve()


def test_a_failing_step_is_found_in_the_students_file(workspace: Path) -> None:
    """Service, step and line are read from BuildKit's output, also across continued lines and stages."""
    original = "# syntax=docker/dockerfile:1\nFROM x AS deps\n\nRUN one \\\n  # a remark\n  --two\nFROM y\nrun three\n"
    (workspace / "app" / "Dockerfile").write_text(original)
    made = builds(workspace, build("api", text="FROM z\n"), build("worker"))
    for output, line in (
        (" > [worker deps 2/2] RUN one   --two:\n0.1 no\n", 4),
        (" > [worker stage-1 2/2] RUN three:\n", 8),
        (" > [worker 2/2] RUN what is not there:\n", 0),
        ("failed to solve: dockerfile parse error line 3: unknown instruction: RUNN", 3),
    ):
        finding = made.failure(output)
        assert (finding.line, finding.file) == (line, "app/Dockerfile")
        assert finding.path == ("services.worker.build" if "worker" in output else "services.api.build")


def test_images_to_start_from_are_asked_for_by_name(workspace: Path) -> None:
    """Own stages, `scratch` and what an ARG makes up are none."""
    text = "ARG V=1\nFROM a:1 AS build\nFROM --platform=linux/amd64 b:2\nFROM build\nFROM scratch\nfrom c:$V\n"
    assert builds(workspace, build("api", text=text)).base_images() == ["a:1", "b:2"]
