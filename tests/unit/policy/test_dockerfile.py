"""Dockerfiles: what runs is what was judged, line by line, and nothing of the host or of others gets in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model.assignment import Assignment, ContractService
from grader.model.grade import ResolvedImage
from grader.policy import bind
from grader.policy.dockerfile import syntax as df
from tests.unit.policy.conftest import TASK_QUEUE

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

NODE = "FROM node:20-alpine\n"
REFUSED = [
    ("FROM evil/base:1\n", "image-not-allowed", 1),
    ("\n\nFROM localhost:5000/x\n", "image-not-allowed", 3),
    ("FROM grader.local/node:20-alpine\n", "image-not-allowed", 1),
    ("ARG X\nFROM $X\n", "dockerfile-from", 2),
    ("FROM no\\\nde:20-alpine-x\n", "image-not-allowed", 1),
    ("FROM node:20-alpine AS a b\n", "dockerfile-from", 1),
    (NODE + "COPY --from=evil/x:1 / /\n", "image-not-allowed", 2),
    (NODE + "COPY --from=$X / /\n", "dockerfile-from", 2),
    (NODE + "COPY --from=3 / /\n", "dockerfile-from", 2),
    (NODE + "RUN --mount=from=evil/x:1,target=/x cp /x /y\n", "image-not-allowed", 2),
    (NODE + "RUN --mount=type=bind,from=evil/x:1,target=/x true\n", "image-not-allowed", 2),
    (NODE + "RUN --mount=type=secret,id=x cat /run/secrets/x\n", "run-mount", 2),
    (NODE + "RUN --mount=type=ssh true\n", "run-mount", 2),
    (NODE + "RUN --mount=TYPE=ssh true\n", "run-mount", 2),
    (NODE + "RUN --mount=type=$T true\n", "run-mount", 2),
    (NODE + "RUN --network=host true\n", "run-option", 2),
    (NODE + "RUN --security=insecure true\n", "run-option", 2),
    (NODE + "RUN --device=x true\n", "run-option", 2),
    (NODE + 'RUN --"network"=host true\n', "dockerfile-flag", 2),
    (NODE + "RUN --net\\\nwork=host true\n", "run-option", 2),
    (NODE + "ADD http://127.0.0.1/x /x\n", "add-remote", 2),
    (NODE + "ADD https://example.org/x.git /x\n", "add-remote", 2),
    (NODE + "ADD git@example.org:x /x\n", "add-remote", 2),
    (NODE + 'ADD ["http://169.254.169.254/", "/x"]\n', "add-remote", 2),
    (NODE + "ENV U=http://x/\nADD $U /x\n", "add-remote", 3),
    (NODE + "ADD $U /x\n", "add-unreadable", 2),
    (NODE + 'ADD "ht"tp://x /x\n', "add-remote", 2),
    (NODE + "ONBUILD FROM node:20-alpine\n", "dockerfile-onbuild", 2),
    (NODE + "WORKDIR /proc/self/fd/8\n", "workdir", 2),
    (NODE + "WORKDIR /\nWORKDIR proc/self\n", "workdir", 3),
    (NODE + "ENV D=/proc\nWORKDIR $D/self\n", "workdir", 3),
    (NODE + "WORKDIR ${NOTHING}/proc/self\n", "workdir", 2),
    (NODE + "WORKDIR /app/../proc\n", "workdir", 2),
    (NODE + "VOLUME /\n", "mount-target", 2),
    (NODE + 'VOLUME ["/proc"]\n', "mount-target", 2),
    (NODE + "EXPOSE 1-65535\n", "too-many-ports", 2),
    (NODE + "COPPY . .\n", "dockerfile-instruction", 2),
    ("RUN true\n" + NODE, "dockerfile-instruction", 1),
    ("# a comment\n", "dockerfile-empty", 0),
    ("# syntax=evil/frontend:1\n" + NODE, "dockerfile-frontend", 1),
    ("#   Syntax = docker/dockerfile-upstream:master\n" + NODE, "dockerfile-frontend", 1),
    ("#!/bin/sh\n# syntax=evil/frontend:1\n" + NODE, "dockerfile-frontend", 2),
    ("// syntax=evil/frontend:1\n" + NODE, "dockerfile-instruction", 1),
    ('{"syntax": "evil/frontend:1"}\n' + NODE, "dockerfile-instruction", 1),
    (NODE + "COPY <<EOF /x\na$X\nEOF\n", "dockerfile-heredoc", 2),
    (NODE + "RUN <<EOF\ntrue\n", "dockerfile-heredoc", 2),
    (NODE + "RUN cat <<EOF>x\nEOF\n", "dockerfile-heredoc", 2),
    (NODE + "RUN a \\\\\nRUN b\n", "dockerfile-syntax", 2),
]


@pytest.mark.parametrize(("text", "code", "line"), REFUSED)
def test_what_reaches_out_of_a_build_is_refused_at_its_line(
    submission: Submission, text: str, code: str, line: int
) -> None:
    """Each kind has its code, and the finding stands in the Dockerfile."""
    submission.dockerfile(text)
    assert (code, line) in submission.errors(CATALOGUE_ONLY).items()
    assert {f.file for f in submission.findings(CATALOGUE_ONLY) if f.severity == "error"} == {"Dockerfile"}


CATALOGUE_ONLY = Assignment(
    id="x", title=TASK_QUEUE.title, services=(ContractService(name="app", role="worker"),), checks=()
)


@pytest.mark.parametrize(
    "build",
    [
        "build: /etc", "build: ..", "build: ~/x", "build: https://x/y.git", "build: git@x:y", "build: github.com/x/y",
        "build: {context: ., dockerfile: /etc/shadow}", "build: {context: ., dockerfile: ../Dockerfile}",
        "build: {context: ., additional_contexts: {x: /}}", "build: {context: ., ssh: default}",
        "build: {context: ., privileged: true}",
        "build: {context: ., network: host}", "build: {context: ., secrets: [x]}",
        "build: {context: ., args: {BUILDKIT_SYNTAX: x}}", "build: {context: ., args: {http_proxy: x}}",
        "build: {context: ., entitlements: [security.insecure]}", "build: {context: ., target: nada}",
        "build: {context: ., no_cache_filter: x}", "build: 'docker-image://x'", "build: $$x", "build: nada",
        "build: {context: ., dockerfile: link}",
    ],
)  # fmt: skip
def test_a_build_that_reaches_out_is_refused(submission: Submission, build: str) -> None:
    """A context, a file or a secret from elsewhere is refused at its line in the compose file."""
    (submission.root / "link").symlink_to("/etc/passwd")
    submission.compose(f"services:\n  app:\n    {build}\n")
    found = submission.findings()
    assert [f.line for f in found if f.severity == "error"] == [3]


def test_a_missing_dockerfile_is_named_with_its_path(submission: Submission) -> None:
    """The finding says which file was looked for."""
    (submission.root / "api").mkdir()
    submission.compose("services:\n  api:\n    build: ./api\n")
    finding = submission.findings()[0]
    assert (finding.code, finding.line) == ("dockerfile-missing", 3)
    assert finding.message.params["file"] == "api/Dockerfile"


def built(submission: Submission, text: str) -> str:
    return submission.dockerfile(text).plan().builds[0].text


def test_instructions_stay_on_their_lines_and_labels_go(submission: Submission) -> None:
    """What the engine says of a line is true of the student's file."""
    text = "# comment\n\nFROM node:20-alpine AS base\nLABEL a=b\nRUN npm ci \\\n  # why\n  && npm test\n\ncopy . .\r\n"
    assert built(submission, text) == ("\n\nFROM node:20-alpine AS base\n\nRUN npm ci   && npm test\n\n\n\nCOPY . .\n")


def test_stages_and_arguments_are_resolved(submission: Submission) -> None:
    """Which images a build starts from is known before it is built."""
    text = """ARG VERSION=20
FROM --platform=$BUILDPLATFORM node:${VERSION}-alpine AS build
RUN --mount=type=cache,target=/root/.npm --mount=type=bind,target=/src npm ci
FROM build AS test
FROM node:22-slim
COPY --link --from=build --chown=node:node /app /app
COPY --from=python:3.13-slim /usr/bin/python3 /usr/bin/
"""
    plan = submission.dockerfile(text).plan()
    build = plan.builds[0]
    assert build.base_images == ("node:20-alpine", "node:22-slim", "python:3.13-slim") == plan.images
    assert build.text.splitlines()[1:] == [
        "FROM node:20-alpine AS build",
        "RUN --mount=type=cache,target=/root/.npm --mount=type=bind,target=/src npm ci",
        "",
        "FROM node:22-slim AS grader-stage-2",
        "COPY --from=build --chown=node:node /app /app",
        "COPY --from=python:3.13-slim /usr/bin/python3 /usr/bin/",
    ]


UNNEEDED = "FROM evil/x:1 AS dev\nRUN --network=host --mount=type=ssh x\nADD http://x/ /\nCOPY ../x /\n"


def test_a_stage_that_is_not_built_is_neither_judged_nor_handed_on(submission: Submission) -> None:
    """BuildKit looks no more at it; its images are not asked for."""
    plan = submission.dockerfile(UNNEEDED + "FROM node:20-alpine\nCOPY . /app\n").plan(CATALOGUE_ONLY)
    assert plan.images == ("node:20-alpine",)
    assert plan.builds[0].text.split() == ["FROM", "node:20-alpine", "AS", "grader-stage-1", "COPY", ".", "/app"]
    assert plan.findings == ()


@pytest.mark.parametrize(
    "use",
    [
        "FROM dev",
        "FROM node:20-alpine\nCOPY --from=dev /a /b",
        "FROM node:20-alpine\nCOPY --from=0 /a /b",
        "FROM node:20-alpine\nRUN --mount=from=dev,target=/x y",
        "FROM node:20-alpine AS a\nCOPY --from=dev /a /b\nFROM a",
    ],
)
def test_a_stage_that_is_used_in_any_way_is_judged(submission: Submission, use: str) -> None:
    """By its name, its number, a copy or a mount."""
    errors = submission.dockerfile(UNNEEDED + use + "\n").errors(CATALOGUE_ONLY)
    assert {"image-not-allowed", "run-option", "run-mount", "add-remote", "path-outside"} <= set(errors)


def test_a_target_leaves_out_what_stands_below(submission: Submission) -> None:
    """By its name; and what no builder can read is said wherever it stands."""
    submission.write("Dockerfile", "FROM node:20-alpine AS app\n" + UNNEEDED)
    submission.compose("services:\n  app:\n    build: {context: ., target: app}\n")
    assert submission.plan(CATALOGUE_ONLY).builds[0].text == "FROM node:20-alpine AS app\n"
    submission.write("Dockerfile", "FROM node:20-alpine AS app\nFROM app\nCOPPY x y\n")
    assert submission.errors(CATALOGUE_ONLY) == {"dockerfile-instruction": 3}


def test_an_argument_of_the_compose_file_wins(submission: Submission) -> None:
    """So a harmless default hides nothing."""
    submission.write("Dockerfile", "ARG IMAGE=node:20-alpine\nFROM $IMAGE\n")
    submission.compose("services:\n  app:\n    build: {context: ., args: {IMAGE: 'evil/x:1'}}\n")
    assert "image-not-allowed" in submission.errors(CATALOGUE_ONLY)


def test_a_here_document_becomes_a_form_that_every_engine_builds(submission: Submission) -> None:
    """Its lines are kept free, so that all others stay where they are."""
    text = NODE + "RUN <<EOF\nset -e\nFROM evil\nEOF\nRUN python3 - <<'PY' && echo ok\nprint('<<x')\nPY\nUSER node\n"
    assert built(submission, text).splitlines() == [
        "FROM node:20-alpine",
        r'RUN ["/bin/sh","-c","set -e\nFROM evil\n"]',
        "",
        "",
        "",
        r"""RUN ["/bin/sh","-c","python3 - \u003c\u003c'PY' && echo ok\nprint('\u003c\u003cx')\nPY\n"]""",
        "",
        "",
        "USER node",
    ]


def test_a_here_document_with_an_interpreter_is_run_by_it(submission: Submission) -> None:
    """The first line decides, as in BuildKit."""
    text = NODE + "RUN <<EOF\n#!/usr/bin/env python3\nprint('$x')\nEOF\n"
    assert built(submission, text).splitlines()[1] == (
        r"""RUN ["/bin/sh","-c","cat > /tmp/.run-script \u003c\u003c'EOF' && chmod +x /tmp/.run-script"""
        r""" && /tmp/.run-script && rm /tmp/.run-script\n#!/usr/bin/env python3\nprint('$x')\nEOF\n"]"""
    )


def test_a_copied_here_document_lies_in_the_context(submission: Submission) -> None:
    """As a file of ours, expanded unless its word was quoted."""
    text = NODE + "ENV A=b\nCOPY --chmod=755 <<EOF package.json /app/\nx=$A \"y\"\nEOF\nCOPY <<-'T' /t\n\t$A\nT\n"
    build = submission.dockerfile(text).plan().builds[0]
    assert build.files == ((".grader/3-0/EOF", 'x=b "y"\n'), (".grader/6-0/T", "$A\n"))
    assert build.text.splitlines()[2:] == [
        "COPY --chmod=755 .grader/3-0/EOF package.json /app/",
        "",
        "",
        "COPY .grader/6-0/T /t",
    ]


def test_what_stands_behind_onbuild_is_done_where_it_goes_off(submission: Submission) -> None:
    """In the stage that starts from it, and in no other."""
    text = "FROM node:20-alpine AS a\nONBUILD COPY . /app\nRUN true\nFROM a\nFROM a AS b\nUSER node\n"
    assert built(submission, text).split("\n") == [
        *("FROM node:20-alpine AS a", "", "RUN true", "", "FROM a AS b", "COPY . /app", "USER node", ""),
    ]


def test_a_broker_under_test_is_judged_by_what_its_words_mean(submission: Submission) -> None:
    """Escapes and variables hide no path."""
    text = "FROM rabbitmq:3-management\nENV U=/usr\nCOPY x /u\\sr/bin/x\nCOPY x ${U}/bin/x\n"
    submission.write("broker/Dockerfile", text).task_queue(rabbit="build: ./broker")
    assert "witness-changed" in submission.errors(TASK_QUEUE)


def test_the_escape_directive_is_honoured_and_kept(submission: Submission) -> None:
    """A backslash is text then."""
    text = "# escape=`\nFROM node:20-alpine\nRUN a `\n  && b\nENV P=C:\\x\n"
    assert built(submission, text) == "# escape=`\nFROM node:20-alpine\nRUN a   && b\n\nENV P=C:\\x\n"


def test_the_official_syntax_directive_is_left_out(submission: Submission) -> None:
    """The engine's own frontend builds, and the other lines stay on theirs."""
    assert built(submission, "# syntax=docker/dockerfile:1.7\n" + NODE) == "\n" + NODE


def test_a_health_check_is_kept_within_limits(submission: Submission) -> None:
    """Its times are brought into bounds, and what older engines do not know goes."""
    text = NODE + "HEALTHCHECK --interval=10ms --timeout=1h --start-interval=1s CMD x\n"
    assert built(submission, text).splitlines()[1] == "HEALTHCHECK --interval=1s --timeout=60s CMD x"


def test_a_dockerfile_in_the_compose_file_has_the_lines_of_that_file(submission: Submission) -> None:
    """A finding in it stands where the student wrote it."""
    submission.compose(
        """
        services:
          app:
            build:
              context: .
              dockerfile_inline: |
                FROM node:20-alpine
                ADD http://x/ /x
        """
    )
    finding = next(f for f in submission.findings() if f.severity == "error")
    assert (finding.code, finding.file, finding.line) == ("add-remote", "compose.yaml", 8)


def test_binding_replaces_images_and_leaves_stages(submission: Submission) -> None:
    """A stage that is called like an image stays the stage."""
    text = """FROM node:20-alpine AS python
FROM python
COPY --from=python /a /b
COPY --from=python:3.13-slim /c /d
RUN --mount=type=bind,from=python:3.13-slim,target=/x --mount=from=python,target=/y true
"""
    plan = submission.dockerfile(text).plan()
    images = {n: ResolvedImage(name=n, reference=f"grader.local/{n}") for n in plan.images}
    bound = bind(plan, images).builds[0].text
    assert (
        bound
        == """FROM grader.local/node:20-alpine AS python
FROM python AS grader-stage-1
COPY --from=python /a /b
COPY --from=grader.local/python:3.13-slim /c /d
COPY --from=grader.local/python:3.13-slim [".","/x"]
COPY --from=python [".","/y"]
RUN true
"""
    )


CHANGED = [
    ("RUN apk add x", "witness-changed"),
    ("RUN rabbitmq-plugins enable a; evil", "witness-changed"),
    ("COPY evil /usr/local/bin/docker-entrypoint.sh", "witness-changed"),
    ("COPY evil bin/", "witness-changed"),
    ("COPY --from=node:20-alpine /bin /etc", "witness-changed"),
    ("ADD evil.tar /", "witness-changed"),
    ("ENTRYPOINT x", "witness-changed"),
]


@pytest.mark.parametrize(("line", "code"), CHANGED)
def test_a_built_broker_may_only_add_configuration(submission: Submission, line: str, code: str) -> None:
    """Anything more is refused at its line."""
    submission.write("broker/Dockerfile", f"FROM rabbitmq:3-management\n{line}\n").task_queue(rabbit="build: ./broker")
    assert submission.errors(TASK_QUEUE) == {code: 2}


def test_a_built_broker_with_configuration_is_accepted(submission: Submission) -> None:
    """Files of configuration, variables and plug-ins are what its documentation shows."""
    text = (
        "FROM rabbitmq:3-management\nCOPY rabbitmq.conf /etc/rabbitmq/\nENV A=b\n"
        "RUN rabbitmq-plugins enable --offline rabbitmq_mqtt\n"
    )
    submission.write("broker/Dockerfile", text).task_queue(rabbit="build: ./broker")
    assert submission.errors(TASK_QUEUE) == {}


def test_a_broker_under_test_must_grow_from_its_own_image(submission: Submission) -> None:
    """Another base is another program."""
    submission.write("broker/Dockerfile", NODE).task_queue(rabbit="build: ./broker")
    assert "witness-image" in submission.errors(TASK_QUEUE)


@given(st.text(alphabet="FROMRUN COPY<>EOF-=\\`#\n\"'[]{}$a", max_size=200))
def test_what_is_written_back_reads_the_same(text: str) -> None:
    """Whatever a Dockerfile holds, what we write parses to what we judged."""
    try:
        first = df.parse(text.encode())
    except df.DockerfileError as error:
        assert 0 <= error.line <= text.count("\n") + 1  # noqa: PT017 - both ways are right
        return
    if any(i.heredocs for i in first.instructions):
        return  # never written back as they stand
    second = df.parse(df.write(first).encode())
    assert [(i.keyword, i.flags, i.rest) for i in second.instructions] == [
        (i.keyword, i.flags, i.rest) for i in first.instructions
    ]


def test_a_comment_in_another_code_page_is_one(submission: Submission) -> None:
    """An editor of Windows writes it so; no builder reads it, also within an instruction."""
    text = "# instalación\nFROM node:20-alpine\nRUN a && \\\n  # también\n  b\n".encode("cp1252")
    submission.write("Dockerfile", text).compose("services: {app: {build: .}}")
    assert [f.code for f in submission.findings()] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM node:20-alpine\nENV A=ñ\n", 2),
        ("FROM node:20-alpine\nRUN <<X\n# ñ\nX\n", 3),
        ("FROM node:20-alpine\nRUN \0", 2),
    ],
)
def test_bytes_that_are_no_text_are_refused_by_their_line(submission: Submission, text: str, line: int) -> None:
    """With what to do; within a here-document nothing is a comment."""
    submission.write("Dockerfile", text.encode("cp1252")).compose("services: {app: {build: .}}")
    (finding,) = submission.findings()
    assert (finding.code, finding.file, finding.line) == ("not-utf8", "Dockerfile", line)
    assert finding.remedy


def test_a_dockerfile_in_utf16_is_refused(submission: Submission) -> None:
    """A shell of Windows writes it with >, and no builder reads it."""
    submission.write("Dockerfile", "FROM node:20-alpine\n".encode("utf-16")).compose("services: {app: {build: .}}")
    assert submission.errors() == {"not-utf8": 1}
