"""A Dockerfile in BuildKit's words is said in those of the builder whose steps can be limited."""

from __future__ import annotations

import pytest

from grader.errors import GraderError
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.classic import classic


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
    assert lines[1:] == ["COPY --chown=1:1 ./a.sh bin/ /x/", 'ADD ["b c", "*.key", "/y/"]']
    assert modes == [("a.sh", 0o755), ("bin", 0o755), ("b c", 0o600), ("*.key", 0o600)]


def test_a_mode_of_another_stage_is_set_in_one_more_stage() -> None:
    """It stands before the stage that copies, and the copy comes from it."""
    lines, modes = said("FROM go AS build\nRUN x\nFROM scratch\nCOPY --from=build --chmod=555 /app /app\n")
    assert modes == []
    assert lines[2:] == [
        "FROM build AS grader-mode-0",
        "USER 0",
        "RUN chmod -R 555 /app",
        "FROM scratch AS grader-stage-1",
        "COPY --from=grader-mode-0 /app /app",
    ]


def test_mounts_become_copies() -> None:
    """Those of files; what lies in memory only is left out, and lines of ours have number 0."""
    text = (
        "FROM a AS deps\nFROM b\nRUN --mount=type=tmpfs,target=/t --mount=source=go.mod,target=go.mod"
        " --mount=type=bind,from=deps,source=/lib,target=/lib go build\n"
    )
    lines, _ = said(text)
    assert lines[2:] == ['COPY ["go.mod","go.mod"]', 'COPY --from=deps ["/lib","/lib"]', "RUN go build"]
    found = classic(df.parse(text.encode()).instructions)
    assert [i.line for i in found.instructions] == [1, 2, 0, 0, 3]


@pytest.mark.parametrize(
    "line", ["COPY --chmod=u+x a b", "COPY --chmod=$MODE a b", "COPY --chmod=755 $A b", "COPY --parents a b"]
)
def test_what_cannot_be_said_is_our_fault(line: str) -> None:
    with pytest.raises(GraderError):
        said(f"FROM a\n{line}\n")
