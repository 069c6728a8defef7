"""Building, filling volumes, starting, and what is said when these fail."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from grader.errors import GraderError, SubmissionBrokenError
from grader.model.grade import ResolvedImage
from grader.model.plan import Build, VolumeContent
from grader.policy import bind
from grader.stack.image_build.builder import BuildLimits
from grader.stack.image_build.egress import host_addresses
from tests.unit.policy.conftest import Submission

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker

PYTHON = "python:3.13-slim"
FROM = f"FROM grader.local/{PYTHON}\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A submission with a space and an accent in its path."""
    root = tmp_path / "entrega de José"
    (root / "app").mkdir(parents=True)
    (root / "app" / "main.py").write_text("print('soy la aplicación', flush=True)\nimport time\ntime.sleep(600)\n")
    return root


def build(service: str, text: str, **more: Any) -> Build:
    return Build(service=service, context="app", dockerfile="app/Dockerfile", text=text, **more)


def logs(stack: Stack, container: str) -> str:
    target = stack.container(container)
    stack.client.api.wait(target.id, timeout=20)
    return "\n".join(target.logs())


def test_images_are_built_from_the_staged_copy(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """One folder for two services is built once; .dockerignore counts; labels and names are ours; `down` removes it."""
    (workspace / "app" / "secret.txt").write_text("no")
    (workspace / "app" / ".dockerignore").write_text("secret.txt\nDockerfile\n")
    (workspace / "app" / "Dockerfile").write_text("FROM somewhere/else\n")
    text = FROM + 'ARG WHO=nobody\nCOPY . /app\nRUN ls -A /app > /list; echo "$WHO" >> /list\nCMD ["cat", "/list"]\n'
    stack = make_stack(
        {"api": {"image": "build:api"}, "worker": {"image": "build:worker"}},
        workspace=workspace,
        builds=(build("api", text, args={"WHO": "me"}), build("worker", text, args={"WHO": "me"})),
    )
    lines: list[str] = []
    stack.build(BuildLimits(seconds=60), on_line=lines.append)
    stack.up(deps=True)
    assert logs(stack, "api-1").split() == [".dockerignore", "main.py", "me"]
    images = {c.inspect()["Image"] for c in stack.containers()}
    assert len(images) == 1
    assert any("COPY . /app" in line for line in lines)
    found = stack.client.images.get(images.pop())
    assert found.labels["grader.project"] == stack.info.project
    stack.down()
    with pytest.raises(Exception, match="No such image"):
        stack.client.images.get(str(found.id))


def test_a_failing_step_is_named_with_its_line(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """The line is where the instruction stands in the student's file, which the judged text keeps; with its output."""
    text = "\n" + FROM + "\n\nCOPY . /app\nRUN echo 'No such image: python'  && exit 7\n"
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(BuildLimits(seconds=60))
    (finding,) = broken.value.findings
    assert (finding.code, finding.file, finding.line) == ("build-failed", "app/Dockerfile", 6)
    assert any("No such image" in line for line in finding.detail)
    stack.down()


def test_the_failing_one_of_two_builds_is_named(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """With a sound build beside it, the finding speaks of the broken one."""
    builds = (build("api", FROM + "COPY . /app\n"), build("worker", FROM + "COPY nowhere.txt /app/\n"))
    stack = make_stack(
        {"api": {"image": "build:api"}, "worker": {"image": "build:worker"}}, workspace=workspace, builds=builds
    )
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(BuildLimits(seconds=60))
    assert broken.value.findings[0].path == "services.worker.build"
    assert any("nowhere.txt" in line for line in broken.value.findings[0].detail)
    stack.down()


@pytest.mark.parametrize("label", ["", "LABEL grader.role=egress grader.project=x\n"], ids=["plain", "labelled"])
def test_a_build_without_end_is_killed(make_stack: Callable[..., Stack], workspace: Path, label: str) -> None:
    """The deadline counts, and the finding says so; labels of an image that is built on do not hide its steps."""
    text = FROM + label + f"RUN echo {os.getpid()} && sleep 300\n"
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(BuildLimits(seconds=3))
    assert broken.value.findings[0].code == "build-timeout"
    stack.down()


def test_folders_become_filled_volumes(make_stack: Callable[..., Stack], workspace: Path, python_image: str) -> None:
    """Content, sub-folders and links arrive; nothing of the host is mounted."""
    (workspace / "seed" / "deep").mkdir(parents=True)
    (workspace / "seed" / "deep" / "ñ.sql").write_text("select 1")
    (workspace / "seed" / "link").symlink_to("deep/ñ.sql")
    show = ["sh", "-c", "cat /seed/link && stat -c ' %u %F' /seed/deep"]
    stack = make_stack(
        {"one": {"image": python_image, "command": show, "volumes": ["seed:/seed:ro"]}},
        workspace=workspace,
        compose={"volumes": {"seed": {}}},
        volume_contents=(VolumeContent(volume="seed", source="seed"),),
    )
    stack.up(deps=True)
    assert logs(stack, "one-1") == "select 1 0 directory"
    mounts = stack.container("one-1").inspect()["Mounts"]
    assert [m["Type"] for m in mounts] == ["volume"]
    stack.down()


def test_a_fill_never_leaves_the_submission(
    make_stack: Callable[..., Stack], workspace: Path, python_image: str, tmp_path: Path
) -> None:
    """A link to a folder outside is an error, and nothing of the stack stays."""
    (workspace / "seed").symlink_to(tmp_path)
    with pytest.raises(GraderError, match="not in the submission"):
        make_stack(
            {"one": {"image": python_image, "volumes": ["seed:/seed"]}},
            workspace=workspace,
            compose={"volumes": {"seed": {}}},
            volume_contents=(VolumeContent(volume="seed", source="seed"),),
        )


def test_values_arrive_as_they_were_planned(make_stack: Callable[..., Stack], python_image: str) -> None:
    """Strings that look like numbers, escaped dollars and odd characters survive the way through Compose."""
    values = {
        "A": "1e3",
        "B": "0o14",
        "C": "yes",
        "D": "$$HOME ${X}".replace("${X}", "$${X}"),
        "E": "a\u2028\x07ñ😀",
        "F": "12:30:45",
    }
    command = [
        "python3",
        "-c",
        "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if len(k) == 1}))",
    ]
    stack = make_stack({"one": {"image": python_image, "command": command, "environment": values}})
    stack.up(deps=True)
    assert json.loads(logs(stack, "one-1")) == {k: v.replace("$$", "$") for k, v in values.items()}
    stack.down()


def test_a_start_that_fails_is_the_submissions(make_stack: Callable[..., Stack], python_image: str, echo: Any) -> None:
    """An unhealthy dependency ends `up`; the finding carries the log of what is unhealthy."""
    check = {"test": ["CMD", "false"], "interval": "1s", "retries": 1, "timeout": "1s"}
    stack = make_stack(
        {
            "broken": {
                "image": python_image,
                "command": ["sh", "-c", "echo I am ill; sleep 60"],
                "init": True,
                "healthcheck": check,
            },
            "api": echo(depends_on={"broken": {"condition": "service_healthy"}}),
        }
    )
    with pytest.raises(SubmissionBrokenError) as failed:
        stack.up(deps=True, deadline_s=60)
    (finding,) = failed.value.findings
    assert (finding.code, finding.path) == ("start-failed", "services.broken.healthcheck")
    assert "broken-1 | I am ill" in finding.detail
    stack.down()


def test_an_image_that_is_missing_is_our_fault(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """The submission cannot help it, so no points are lost, neither while building nor at the start."""
    builds = (build("two", "FROM grader.local/not-there-either:1\n"),)
    services = {"one": {"image": "grader.local/not-there:1"}, "two": {"image": "build:two"}}
    stack = make_stack(services, workspace=workspace, builds=builds)
    with pytest.raises(GraderError, match="not-there-either"):
        stack.build(BuildLimits(seconds=60))
    with pytest.raises(GraderError, match="not-there"):
        stack.up(deps=True)
    stack.down()


def test_environment_of_the_user_does_not_reach_compose(
    make_stack: Callable[..., Stack], python_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that steer Compose, and values that a file could ask for, are not passed on."""
    monkeypatch.setenv("COMPOSE_PROFILES", "hidden")
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    command = ["sh", "-c", "echo token=$$SECRET_TOKEN."]
    one = {"image": python_image, "command": command, "environment": {"SECRET_TOKEN": None}}
    stack = make_stack({"one": one, "two": {"image": python_image, "profiles": ["hidden"]}})
    stack.up(deps=True)
    assert logs(stack, "one-1") == "token=."
    assert [c.name for c in stack.containers()] == ["one-1"]
    stack.down()


SCAN = """
import socket, sys
for host in sys.argv[1:]:
    for port in (80, 443, 2375, 5000):
        try:
            with socket.create_connection((host, port), 1) as found:
                found.settimeout(1)
                found.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                print("REACHED", host, port, found.recv(20))
        except OSError as error:
            print("closed", host, port, type(error).__name__)
"""


def test_a_step_that_scans_the_host_finds_nothing(
    make_stack: Callable[..., Stack], workspace: Path, python_image: str
) -> None:
    """Neither a server of the host on any of its addresses nor metadata services; packages can be had all the same."""
    (workspace / "app" / "scan.py").write_text(SCAN)
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        (workspace / "app" / "scan.py").write_text(SCAN.replace("5000", str(port)))
        near = [a.removesuffix("/32") for a in host_addresses() if not a.startswith("127.")][:4]
        text = FROM + "RUN apt-get update\n"
        text += f"COPY . /app\nRUN python3 /app/scan.py {' '.join([*near, '169.254.169.254', '127.0.0.1'])}\n"
        stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
        lines: list[str] = []
        stack.build(BuildLimits(seconds=120), on_line=lines.append)
    assert any(line.startswith("closed") for line in lines)
    assert not [line for line in lines if line.startswith("REACHED")]
    stack.down()


@pytest.mark.parametrize(
    ("step", "limits", "code", "said"),
    [
        ("head -c 1G /dev/zero > /a && head -c 1G /dev/zero > /b", {"disk_mib": 300}, "build-disk", ""),
        ("python3 -c 'x = bytearray(400 << 20); print(len(x))'", {"memory_mib": 128}, "build-failed", "137"),
        (
            "python3 -c 'import os, time; [time.sleep(.02) or os.fork() or time.sleep(60) for _ in range(300)]'",
            {"pids": 50},
            "build-failed",
            "BlockingIOError",
        ),
        ("while :; do echo flood; done", {"seconds": 5}, "build-timeout", "flood"),
    ],
)
def test_a_step_is_held_to_its_limits(
    step: str, limits: dict[str, Any], code: str, said: str, make_stack: Callable[..., Stack], workspace: Path
) -> None:
    """Disk, memory, processes, time: each ends the build with its own word, and nothing of it goes on."""
    text = FROM + f"RUN echo {os.getpid()} && {step}\n"
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(build("api", text),))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(BuildLimits(**{"seconds": 60, **limits}))
    (finding,) = broken.value.findings
    assert (finding.code, finding.line) == (code, 2)
    assert said in "\n".join(finding.detail)
    running = stack.client.api.containers(filters={"label": f"grader.project={stack.info.project}"})
    assert [c["Labels"]["grader.role"] for c in running] == ["gateway"]
    stack.down()


def judged(workspace: Path, text: str) -> tuple[Build, ...]:
    """Return the build of a Dockerfile as the grader makes it of what a student has written."""
    plan = Submission(workspace).dockerfile(text).plan()
    images = {name: ResolvedImage(name=name, reference=f"grader.local/{name}") for name in plan.images}
    return bind(plan, images).builds


def test_only_what_the_target_needs_is_built(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """A stage for development that would fail stays out; stages meant by number keep their meaning."""
    text = f"""\
FROM {PYTHON} AS base
RUN echo base > /which
FROM evil/image:1 AS other
FROM base AS dev
RUN exit 3
FROM base
COPY --from=0 /which /copied
CMD ["cat", "/copied"]
"""
    stack = make_stack({"app": {"image": "build:app"}}, workspace=workspace, builds=judged(workspace, text))
    stack.build(BuildLimits(seconds=60))
    stack.up(deps=True)
    assert logs(stack, "app-1") == "base"
    stack.down()


BUILDKIT = f"""\
# syntax=docker.io/docker/dockerfile:1-labs
ARG BASE={PYTHON}
FROM --platform=$BUILDPLATFORM $BASE AS build
ARG TARGETPLATFORM
ARG TARGETARCH BUILDPLATFORM
SHELL ["/bin/bash", "-c"]
WORKDIR /work
RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=scratch \\
    --mount=type=bind,source=app/main.py,target=in/main.py --network=none --security=sandbox <<EOF
set -e
touch /cache/written scratch/written
mkdir -p "/out/a b"
cp in/main.py "/out/a b/run me.py"
cp in/main.py /out/tool.py
EOF
RUN echo "$TARGETPLATFORM $TARGETARCH $BUILDPLATFORM" > /out/platform

FROM {PYTHON} AS never
RUN exit 3

FROM {PYTHON}
ENV WHO=me
RUN groupadd -g 4321 grp
COPY --link --chmod=0700 --chown=1234:grp app/main.py /linked.py
COPY app /copied
COPY --from=0 --chmod=555 ["/out/a b", "/spaced/"]
COPY --from=build --chmod=500 /out/*.py /patterned/
COPY --from=build /out/platform /platform
COPY --chmod=+x <<EOF <<'PLAIN' /texts/
#!/bin/sh $WHO
EOF
$WHO
PLAIN
RUN --mount=type=cache,target=/owned,uid=1234,gid=4321 stat -c '%u:%g' /owned > /owner
RUN --mount=from=build,source=/out,target=/mnt/out ls /mnt/out > /listed
CMD cat /platform /owner /listed /texts/EOF /texts/PLAIN; \\
    stat -c '%a %u:%g %n' /copied/* /linked.py /patterned/* /spaced/* /texts/EOF
"""


def test_what_buildkit_has_words_for_gives_the_same_image(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """Files, modes, owners and values are those that BuildKit gives."""
    stack = make_stack({"app": {"image": "build:app"}}, workspace=workspace, builds=judged(workspace, BUILDKIT))
    stack.build(BuildLimits(seconds=120))
    stack.up(deps=True)
    version = stack.client.version()
    platform = f"{version['Os']}/{version['Arch']}"
    assert logs(stack, "app-1").splitlines() == [
        f"{platform} {version['Arch']} {platform}",
        "1234:4321",
        *("a b", "platform", "tool.py"),
        "#!/bin/sh me",
        "$WHO",
        "644 0:0 /copied/main.py",
        "700 1234:4321 /linked.py",
        "500 0:0 /patterned/tool.py",
        "555 0:0 /spaced/run me.py",
        "755 0:0 /texts/EOF",
    ]
    stack.down()


@pytest.mark.parametrize(
    "step",
    [
        "COPY --from=build --chmod=755 /nothing /x",
        "COPY --from=build --chmod=755 /nothing/* /x/",
        "RUN --mount=type=bind,source=nothing.txt,target=/x cat /x",
        "RUN --mount=type=bind,from=build,source=/nothing,target=/x cat /x",
        "COPY --chmod=755 nothing.txt /x",
        "RUN --mount=type=cache,target=/etc/passwd true",
        "RUN --mount=type=tmpfs,target=/etc/passwd/x true",
    ],
)
def test_what_an_instruction_names_and_is_not_there_is_named_with_its_line(
    step: str, make_stack: Callable[..., Stack], workspace: Path
) -> None:
    """Also where it is a step of ours, made of the instruction, that fails."""
    text = f"FROM {PYTHON} AS build\nRUN true\nFROM {PYTHON}\n\nENV A=b\n{step}\n"
    stack = make_stack({"app": {"image": "build:app"}}, workspace=workspace, builds=judged(workspace, text))
    with pytest.raises(SubmissionBrokenError) as broken:
        stack.build(BuildLimits(seconds=60))
    (finding,) = broken.value.findings
    assert (finding.code, finding.file, finding.line) == ("build-failed", "Dockerfile", 6)
    stack.down()


def test_a_step_of_ours_that_fails_is_our_fault(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """It costs nothing: the stage has no `chmod`, which BuildKit would not need."""
    text = f"FROM {PYTHON} AS build\nRUN rm $(command -v chmod)\nFROM {PYTHON}\nCOPY --from=build --chmod=755 /etc /x\n"
    stack = make_stack({"app": {"image": "build:app"}}, workspace=workspace, builds=judged(workspace, text))
    with pytest.raises(GraderError, match="the grader adds"):
        stack.build(BuildLimits(seconds=60))
    stack.down()


def test_modes_and_here_documents_arrive(make_stack: Callable[..., Stack], workspace: Path) -> None:
    """What COPY --chmod and COPY <<name say is in the context that the engine gets."""
    (workspace / "app" / "start.sh").write_text("#!/bin/sh\ncat /note\n")
    text = FROM + 'COPY start.sh /start.sh\nCOPY .grader/1/note /note\nCMD ["/start.sh"]\n'
    plan = build("api", text, modes=(("start.sh", 0o755),), files=((".grader/1/note", "hola\n"),))
    stack = make_stack({"api": {"image": "build:api"}}, workspace=workspace, builds=(plan,))
    stack.build(BuildLimits(seconds=60))
    stack.up(deps=True)
    assert logs(stack, "api-1") == "hola"
    stack.down()
