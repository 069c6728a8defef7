"""What a Dockerfile says in BuildKit's words is built by the classic builder, with the same result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.errors import GraderError, SubmissionBrokenError
from grader.stack.image_build.builder import BuildLimits
from tests.docker.test_stack.builds import FROM, PYTHON, build, judged, logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker


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


def test_several_files_go_into_a_folder_whatever_its_name_ends_in(
    make_stack: Callable[..., Stack], workspace: Path
) -> None:
    """`COPY *.txt .` and its like, which the classic builder refuses for want of a / at the end."""
    for name in "ab":
        (workspace / f"{name}.txt").write_text(name)
    text = (
        f"FROM {PYTHON} AS files\nARG TO=/named\nWORKDIR /app\nCOPY *.txt .\nCOPY a.txt b.txt more\n"
        'COPY ["a.txt", "b.txt", "$TO"]\nADD a*.txt one\n'
        f"FROM {PYTHON}\nWORKDIR /all\nCOPY --from=files /app/*.txt /all\n"
        "COPY --from=files /app /app\nCOPY --from=files /named /named\n"
        'CMD ["sh", "-c", "find /all /app /named -type f | sort"]\n'
    )
    stack = make_stack({"app": {"image": "build:app"}}, workspace=workspace, builds=judged(workspace, text))
    stack.build(BuildLimits(seconds=60))
    stack.up(deps=True)
    assert logs(stack, "app-1").split() == [
        *(f"/all/{name}.txt" for name in "ab"),
        *(f"/app/{name}.txt" for name in "ab"),
        *(f"/app/more/{name}.txt" for name in "ab"),
        "/app/one",
        *(f"/named/{name}.txt" for name in "ab"),
    ]
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
