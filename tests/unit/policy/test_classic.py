"""A Dockerfile in BuildKit's words is said in those of the builder whose steps can be limited."""

from __future__ import annotations

import pytest

from grader.errors import GraderError
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.classic import classic, only
from grader.policy.dockerfile.words import exec_form, json_words


def said(text: str) -> tuple[list[str], list[tuple[str, int]]]:
    found = classic(df.parse(text.encode()).instructions)
    return [i.write() for i in found.instructions], found.modes


def test_stages_get_names_and_numbers_go() -> None:
    """Stages of ours may come in between."""
    lines, _ = said("FROM a\nRUN x\nFROM b AS build\nCOPY --from=0 /x /y\n")
    assert lines == ["FROM a AS grader-stage-0", "RUN x", "FROM b AS build", "COPY --from=grader-stage-0 /x /y"]


def test_a_mode_is_one_of_the_context() -> None:
    """Several sources, JSON form, a folder, a pattern."""
    lines, modes = said(
        'FROM a\nCOPY --chmod=755 --chown=1:1 ./a.sh bin/ /x/\nADD --chmod=0600 ["b c", "*.key", "/y/"]\n'
    )
    assert lines[1:] == ["COPY --chown=1:1 ./a.sh bin/ /x/", 'ADD [".grader/0600/b c",".grader/0600/*.key","/y/"]']
    assert modes == [("a.sh", 0o755), ("bin", 0o755), (".grader/0600/b c", 0o600), (".grader/0600/*.key", 0o600)]


def test_a_mode_of_another_stage_is_set_in_one_more_stage() -> None:
    """It stands before the stage that copies, and the copy comes from it."""
    check = 'for each in /app; do test -e "$each" || exit 66; done'
    lines, modes = said("FROM go AS build\nRUN x\nFROM scratch\nCOPY --from=build --chmod=555 /app /app\n")
    assert modes == []
    assert lines[2:] == [
        "FROM build AS grader-mode-0",
        "USER 0",
        f"RUN {exec_form('/bin/sh', '-c', f'{check}; chmod -R 555 /app')}",
        "FROM scratch AS grader-stage-1",
        "COPY --from=grader-mode-0 /app /app",
    ]


def test_names_mean_the_same_to_the_shell_that_sets_a_mode() -> None:
    """Blanks and signs are of the name, patterns stay patterns."""
    lines, _ = said('FROM a AS b\nFROM a\nCOPY --from=b --chmod=755 ["x y;z", "/bin/[a-c]*", "/t/"]\n')
    (run,) = [line for line in lines if line.startswith("RUN")]
    command = (json_words(run.removeprefix("RUN ")) or [])[-1]
    assert command.startswith(r"for each in /x\ y\;z /bin/[a-c]*; do ")
    assert command.endswith(r"chmod -R 755 /x\ y\;z /bin/[a-c]*")


def test_mounts_become_copies() -> None:
    """Those of files; what would lie in memory or be shared is an empty folder; each is of the line of its RUN."""
    text = (
        "ARG V\nFROM a AS deps\nFROM b\nRUN --mount=type=tmpfs,target=/t --mount=source=go.mod,target=go.mod/"
        " --mount=type=bind,from=0,source=/lib,target=/lib --mount=type=cache,target=/c,uid=7 go build\n"
    )
    found = classic(df.parse(text.encode()).instructions)
    assert [(i.write(), i.line, i.added) for i in found.instructions] == [
        ("ARG V", 1, False),
        ("FROM scratch AS grader-empty", 4, True),
        ("WORKDIR /empty", 4, True),
        ("FROM a AS deps", 2, False),
        ("FROM b AS grader-stage-1", 3, False),
        ('COPY --from=grader-empty ["/empty/","/t"]', 4, True),
        ('COPY ["go.mod","go.mod"]', 4, True),
        ('COPY --from=deps ["/lib","/lib"]', 4, True),
        ('COPY --from=grader-empty --chown=7:0 ["/empty/","/c"]', 4, True),
        ("RUN go build", 4, False),
    ]


def test_only_the_stages_that_are_needed_stay() -> None:
    """What stands before the first one stays, numbers become names; nothing is touched where all are needed."""
    given = df.parse(b"ARG V\nFROM a\nRUN x\nFROM b\nRUN y\nFROM c\nCOPY --from=0 /p /q\n").instructions
    assert only(given, {0, 1, 2}) == given
    assert [(i.write(), i.line) for i in only(given, {0, 2})] == [
        ("ARG V", 1),
        ("FROM a AS grader-stage-0", 2),
        ("RUN x", 3),
        ("FROM c AS grader-stage-2", 6),
        ("COPY --from=grader-stage-0 /p /q", 7),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "COPY --chmod=u+x a b",
        "COPY --chmod=$MODE a b",
        "COPY --chmod=755 $A b",
        "COPY --parents a b",
        "RUN --network=host a",
    ],
)
def test_what_cannot_be_said_is_our_fault(line: str) -> None:
    """Policy should have refused it."""
    with pytest.raises(GraderError):
        said(f"FROM a\n{line}\n")
