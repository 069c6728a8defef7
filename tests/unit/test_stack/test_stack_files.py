"""The files that Compose is given, and what is read from its output; no Docker."""

from __future__ import annotations

import os
import tarfile
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from grader.errors import GraderError
from grader.model.plan import NOTHING_THERE, Build
from grader.stack import emit
from grader.stack.image_build import failures
from grader.stack.image_build import jobs as builds
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


def test_many_containers_share_what_the_host_gives() -> None:
    """Forty of half a GB would be twenty; a few keep what they have."""
    limits = {"image": "x", "mem_limit": 512 << 20, "memswap_limit": 512 << 20}
    few = final({"a": {**limits, "scale": 3}, "b": limits}, default="p_d")["services"]
    assert few["a"]["mem_limit"] == few["b"]["memswap_limit"] == 512 << 20
    many = final({"a": {**limits, "scale": 39}, "b": limits}, default="p_d")["services"]
    assert many["a"]["mem_limit"] == many["b"]["memswap_limit"] == (8 << 30) // 40


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


def jobs(workspace: Path, *made: Build) -> list[builds.Job]:
    return builds.jobs(made, project="p", workspace=workspace, platform=("linux", "arm64"))


def build(service: str, **more: Any) -> Build:
    return Build(service=service, **{"context": "app", "dockerfile": "app/Dockerfile", "text": "FROM x\n", **more})


def unpacked(job: builds.Job, *members: str) -> tuple[str, list[str], dict[str, tarfile.TarInfo]]:
    """Return the Dockerfile's name in a job's archive, the texts of some of its members and of it, and all members."""
    with tempfile.TemporaryFile() as file:
        name = job.archive(file)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            texts = []
            for member in (*members, name):
                found = archive.extractfile(member)
                assert found is not None
                texts.append(found.read().decode())
            return name, texts, {m.name: m for m in archive.getmembers()}


def packed(job: builds.Job) -> dict[str, tarfile.TarInfo]:
    """Return the members of a job's archive; the Dockerfile, whose name is random, as "Dockerfile!"."""
    name, (ignore, dockerfile), found = unpacked(job, ".dockerignore")
    assert dockerfile == job.text
    assert ignore.splitlines()[-1] == name
    found["Dockerfile!"] = found.pop(name)
    return found


def test_identical_builds_are_made_once(workspace: Path) -> None:
    """Same folder, text, target and arguments: one build and two names; another argument: another build."""
    found = jobs(workspace, build("api"), build("worker"), build("other", args={"A": "$$1"}))
    assert [job.image for job in found] == ["grader.local/build/p-api:run", "grader.local/build/p-other:run"]
    assert found[0].further == ("grader.local/build/p-worker:run",)
    assert found[1].args == {"A": "$1"}


def test_the_context_is_packed_without_following_links(workspace: Path) -> None:
    """Links stay links, a FIFO stays behind, what is ignored too; all is root's, modes are those of COPY --chmod."""
    (workspace / "app" / "link").symlink_to("../../outside")
    (workspace / "app" / "Dockerfile").write_text("FROM their/own\n")
    (workspace / "app" / "secret").write_text("x")
    (workspace / "app" / ".dockerignore").write_text("# not for the image\nsecret\n")
    os.mkfifo(workspace / "app" / "fifo")
    (job,) = jobs(workspace, build("api", modes=(("*.py", 0o500), (".grader", 0o700)), files=((".grader/a", "hola"),)))
    found = packed(job)
    assert set(found) == {".dockerignore", ".grader/a", "Dockerfile", "Dockerfile!", "link", "main.py"}
    assert found["link"].issym()
    assert found["main.py"].mode & 0o777 == 0o500
    assert found[".grader/a"].mode == 0o700
    assert {m.uid for m in found.values()} == {0}


def test_a_mode_with_which_not_all_may_read_is_one_of_a_copy(workspace: Path) -> None:
    """Another COPY of the same file finds it as it was."""
    (workspace / "app" / "sub").mkdir()
    (workspace / "app" / "sub" / "key").write_text("x")
    (workspace / "app" / "sub" / "key").chmod(0o644)
    (job,) = jobs(workspace, build("api", modes=((".grader/0600/sub", 0o600), (".grader/0400/*.py", 0o400))))
    modes = {name: member.mode & 0o777 for name, member in packed(job).items() if "key" in name or ".py" in name}
    assert modes == {
        "sub/key": 0o644,
        ".grader/0600/sub/key": 0o600,
        "main.py": modes["main.py"],
        ".grader/0400/main.py": 0o400,
    }


def test_an_allow_list_keeps_what_lies_in_folders(workspace: Path) -> None:
    """Everything is ignored but what the image needs, wherever it lies: the packages reach the image."""
    (workspace / "app" / "tareas").mkdir()
    for name in ("tareas/worker.py", "tareas/notes.txt", "requirements.txt", "Dockerfile"):
        (workspace / "app" / name).write_text("x")
    (workspace / "app" / ".dockerignore").write_text("# only what is needed\n*\n!requirements.txt\n!**/*.py\n")
    (job,) = jobs(workspace, build("api"))
    names = {"main.py", "requirements.txt", "tareas", "tareas/worker.py"}
    assert set(packed(job)) - {".dockerignore", "Dockerfile!"} == names


def test_the_dockerfiles_own_ignore_file_comes_first(workspace: Path) -> None:
    """Two Dockerfiles of the same text that leave out different files are two builds."""
    (workspace / "app" / ".dockerignore").write_text("other\n")
    (workspace / "app" / "Dockerfile.dockerignore").write_text("main.py\n*ignore\n")
    first, second = jobs(workspace, build("api"), build("worker", dockerfile="app/worker.Dockerfile"))
    assert set(packed(first)) == {".dockerignore", "Dockerfile!"}
    assert set(packed(second)) == {".dockerignore", "Dockerfile!", "Dockerfile.dockerignore", "main.py"}


@pytest.mark.parametrize(("text", "stays"), [("*.log\n", True), (".dockerignore\n", False), ("*\n!main.py", False)])
def test_an_ignore_file_is_in_the_context_unless_it_names_itself(workspace: Path, text: str, stays: bool) -> None:
    """The engine takes the file out again, or leaves it there, by the lines that it finds in it."""
    (workspace / "app" / ".dockerignore").write_text(text)
    (job,) = jobs(workspace, build("api"))
    name, texts, _ = unpacked(job, ".dockerignore")
    lines = texts[0].splitlines()
    assert lines == ([*text.splitlines(), "", "!.dockerignore", name] if stays else [".dockerignore", name])


def test_an_ignore_file_that_does_not_count_may_hold_anything(workspace: Path) -> None:
    """The engine would not read beyond a line that it cannot read, and leave our Dockerfile where it is."""
    (workspace / "app" / "Dockerfile.dockerignore").write_text("other\n")
    (workspace / "app" / ".dockerignore").write_text("[\n")
    (job,) = jobs(workspace, build("api"))
    name, texts, _ = unpacked(job, ".dockerignore")
    assert texts[0].split() == ["!.dockerignore", name]


def test_each_instruction_knows_where_it_comes_from(workspace: Path) -> None:
    """Its line, or that of what it was added for; every stage has our label."""
    text = "# escape=`\nARG V=1\nFROM a AS base\n\nRUN x\nFROM base\n"
    (job,) = jobs(workspace, build("api", text=text))
    label = "LABEL grader.layer=1"
    assert job.text.splitlines() == [
        *("# escape=`", "ARG V=1", "FROM a AS base", label, "RUN x", "FROM base", label),
    ]
    assert [(s.line, s.added) for s in job.steps] == [
        *((2, False), (3, False), (3, True), (5, False), (6, False), (6, True)),
    ]
    assert builds.base_images([job]) == ["a"]


def test_the_platform_is_told_to_those_who_ask(workspace: Path) -> None:
    """Newer builders know these arguments by themselves."""
    (job,) = jobs(workspace, build("api", text="FROM x\nARG TARGETARCH\nARG TARGETPLATFORM\nARG OTHER\n"))
    assert job.args == {"TARGETARCH": "arm64", "TARGETPLATFORM": "linux/arm64"}


def test_a_failed_step_is_named_with_its_line(workspace: Path) -> None:
    """The line of the submission's file, the last words without the builder's own, and memory where it was that."""
    (job,) = jobs(workspace, build("api", text="FROM x\nCOPY . .\nRUN z\n", lines=(3, 5, 9), added=(False,) * 3))
    output = ["Step 4/5 : RUN z", " ---> Running in 0123456789ab", "no z", "Removing intermediate container 01234567"]
    finding = failures.failed(job, output, 4, 1, memory_mib=5)
    assert (finding.code, finding.file, finding.line) == ("build-failed", "app/Dockerfile", 9)
    assert finding.detail == ("Step 4/5 : RUN z", "no z")
    killed = failures.failed(job, output, 4, 137, memory_mib=5)
    assert killed.remedy is not None
    assert killed.remedy.params == {"n": 5}


MISSING = [
    "COPY failed: file not found in build context or excluded by .dockerignore: stat x: file does not exist",
    "COPY failed: stat app/x: file does not exist",
    "COPY failed: no source files were specified",
    "cannot copy to non-directory: /var/lib/docker/overlay2/0/merged/etc/passwd",
]


@pytest.mark.parametrize("said", MISSING)
def test_what_is_not_there_is_the_submissions_fault_in_a_step_of_ours_too(workspace: Path, said: str) -> None:
    """With the line of the instruction for whose sake the step is there."""
    (job,) = jobs(workspace, build("api", text="FROM x\nCOPY x y\n", lines=(3, 5), added=(False, True)))
    assert failures.failed(job, ["Step 3/3 : COPY x y", said], 3, None, memory_mib=5).line == 5
    assert failures.failed(job, ["Step 3/3 : COPY x y"], 3, NOTHING_THERE, memory_mib=5).line == 5


@pytest.mark.parametrize("said", ["exec /bin/sh: no such file or directory", "chmod: not found", *MISSING])
def test_a_step_of_ours_that_fails_otherwise_costs_nothing(workspace: Path, said: str) -> None:
    """Nor does what an earlier step has printed say anything."""
    (job,) = jobs(workspace, build("api", text="FROM x\nRUN c\n", lines=(3, 5), added=(False, True)))
    with pytest.raises(GraderError, match="The command returned 127"):
        failures.failed(job, [said, "Step 3/3 : RUN c", "The command returned 127"], 3, 127, memory_mib=5)


def test_a_context_outside_is_our_error(workspace: Path) -> None:
    """A plan cannot lead out of the workspace, by dots or by links."""
    (workspace / "out").symlink_to(workspace.parent)
    for path in ("..", "out", "missing", "/etc"):
        with pytest.raises(GraderError):
            inside(workspace, path)
    assert inside(workspace, ".") == workspace.resolve()
