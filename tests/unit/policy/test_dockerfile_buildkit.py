"""What becomes of each thing that BuildKit has words for: said in older ones, left out, or refused with a way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.model.grade import ResolvedImage
from grader.policy import bind

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

FROM = "FROM node:20-alpine AS own\n"
EMPTY = ["FROM scratch AS grader-empty", "WORKDIR /empty"]
OURS = "FROM i/node:20-alpine AS own"
CHMOD = r"""RUN ["/bin/sh","-c","for each in /a; do test -e \"$each\" || exit 66; done; chmod -R 755 /a"]"""
SAID: list[tuple[str, list[str]]] = [
    ("# syntax=docker/dockerfile:1\n" + FROM, [OURS]),
    ("# syntax=docker/dockerfile\n" + FROM, [OURS]),
    ("# syntax=docker/dockerfile:latest\n" + FROM, [OURS]),
    ("# syntax=docker.io/docker/dockerfile:1.7-labs\n" + FROM, [OURS]),
    ("# syntax=docker/dockerfile:1.0-experimental\n" + FROM, [OURS]),
    ("# check=skip=all\n" + FROM, [OURS]),
    ("FROM --platform=$BUILDPLATFORM node:20-alpine AS own\n", [OURS]),
    ("FROM --platform=linux/arm64 node:20-alpine AS own\n", [OURS]),
    (FROM + "ARG TARGETPLATFORM BUILDPLATFORM\n", [OURS, "ARG TARGETPLATFORM BUILDPLATFORM"]),
    (FROM + "RUN --mount=type=cache,target=/c,sharing=locked,id=x a\n",
     [*EMPTY, OURS, 'COPY --from=grader-empty ["/empty/","/c"]', "RUN a"]),
    (FROM + "RUN --mount=type=cache,dst=c,uid=5,gid=6,mode=0755 a\n",
     [*EMPTY, OURS, 'COPY --from=grader-empty --chown=5:6 ["/empty/","c"]', "RUN a"]),
    (FROM + "RUN --mount=type=cache,target=$HOME/c a\n", [OURS, "RUN a"]),
    (FROM + "RUN --mount=type=tmpfs,target=/t,size=1m a\n",
     [*EMPTY, OURS, 'COPY --from=grader-empty ["/empty/","/t"]', "RUN a"]),
    (FROM + "RUN --mount=type=bind,source=a.txt,target=b.txt,ro a\n", [OURS, 'COPY ["a.txt","b.txt"]', "RUN a"]),
    (FROM + "RUN --mount=target=. a\n", [OURS, 'COPY [".","."]', "RUN a"]),
    (FROM + "RUN --mount=from=python:3.13-slim,source=/x,target=/y/ a\n",
     [OURS, 'COPY --from=i/python:3.13-slim ["/x","/y"]', "RUN a"]),
    (FROM + "RUN --network=none --security=sandbox a\n", [OURS, "RUN a"]),
    (FROM + "RUN --network=default a\n", [OURS, "RUN a"]),
    (FROM + "RUN <<E\na\nE\n", [OURS, r'RUN ["/bin/sh","-c","a\n"]']),
    (FROM + "COPY --link a b\n", [OURS, "COPY a b"]),
    (FROM + "COPY --link=true a b\n", [OURS, "COPY a b"]),
    (FROM + "ARG U=node\nCOPY --chown=$U a b\n", [OURS, "ARG U=node", "COPY --chown=node a b"]),
    (FROM + "COPY --chmod=755 a b\n", [OURS, "COPY a b", "a 755"]),
    (FROM + "COPY --chmod=+x a b\n", [OURS, "COPY a b", "a 755"]),
    (FROM + "ARG M=0640\nCOPY --chmod=${M} a/ b/\n",
     [OURS, "ARG M=0640", "COPY .grader/0640/a b/", ".grader/0640/a 640"]),
    (FROM + "COPY --chmod=600 <<E /b\nx\nE\n", [OURS, "COPY .grader/2-0/E /b", ".grader/2-0/E 600"]),
    (FROM + "COPY --from=python:3.13-slim --chmod=755 /a /b\n",
     ["FROM i/python:3.13-slim AS grader-mode-0", "USER 0", CHMOD,
      OURS, "COPY --from=grader-mode-0 /a /b"]),
    (FROM + "ADD --chmod=755 --chown=1:2 a b\n", [OURS, "ADD --chown=1:2 a b", "a 755"]),
    (FROM + "HEALTHCHECK --start-interval=1s CMD a\n", [OURS, "HEALTHCHECK CMD a"]),
    *(
        (f"{FROM}WORKDIR /app\n{copy}\n", [OURS, "WORKDIR /app", said])
        for copy, said in (
            ("COPY *.py .", "COPY *.py ./"),
            ("COPY package*.json /app", "COPY package*.json /app/"),
            ("COPY a.py b.py lib", "COPY a.py b.py lib/"),
            ("ADD a.py b.py $TARGET", 'ADD ["a.py","b.py","$TARGET/"]'),
            ('COPY ["a b", "c*", "."]', 'COPY ["a b","c*","./"]'),
            ("COPY *.jar app.jar", "COPY *.jar app.jar"),
            ("COPY *.py ./", "COPY *.py ./"),
            ("COPY . .", "COPY . ."),
            ("COPY a.py .", "COPY a.py ."),
        )
    ),
    (FROM + "FROM own\nWORKDIR /app\nCOPY --from=0 /x/*.jar ..\n",
     [OURS, "FROM own AS grader-stage-1", "WORKDIR /app", "COPY --from=own /x/*.jar ../"]),
    (FROM + "WORKDIR /app\nFROM own\nCOPY *.py /app\n",
     [OURS, "WORKDIR /app", "FROM own AS grader-stage-1", "COPY *.py /app/"]),
]  # fmt: skip
REFUSED = [
    ("# syntax=docker/dockerfile-upstream:master\n" + FROM, "dockerfile-frontend"),
    (FROM + "RUN --network=host a\n", "run-option"),
    (FROM + "RUN --mount=type=secret,id=x a\n", "run-mount"),
    (FROM + "COPY --parents a b\n", "dockerfile-flag"),
    (FROM + "COPY --exclude=*.md a b\n", "dockerfile-flag"),
    (FROM + "COPY --chmod=u=rwX,go=rX a b\n", "dockerfile-flag"),
    (FROM + "COPY --chmod=4755x a b\n", "dockerfile-flag"),
    (FROM + "ADD --checksum=sha256:0 https://x/y /\n", "dockerfile-flag"),
    (FROM + "ADD --keep-git-dir=true https://x/y.git /\n", "dockerfile-flag"),
    (FROM + "ADD https://x/y /\n", "add-remote"),
]


@pytest.mark.parametrize(("text", "said"), SAID)
def test_what_buildkit_has_words_for_is_said_in_older_ones(submission: Submission, text: str, said: list[str]) -> None:
    """Line by line, with the files that it takes."""
    plan = submission.dockerfile(text).plan()
    (build,) = bind(plan, {n: ResolvedImage(name=n, reference=f"i/{n}") for n in plan.images}).builds
    lines = [line for line in build.text.splitlines() if line]
    assert [*lines, *(f"{path} {mode:o}" for path, mode in build.modes)] == said
    assert len(build.lines) == len(build.added) == len(lines)
    assert set(build.lines) <= set(range(1, text.count("\n") + 1))


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_what_cannot_be_said_is_refused_with_a_way_round(submission: Submission, text: str, code: str) -> None:
    """The remedy says how to write it."""
    (finding,) = [f for f in submission.dockerfile(text).findings() if f.severity == "error"][:1]
    assert finding.code == code
    if code != "dockerfile-frontend":
        assert finding.remedy is not None
