"""Variables come from the submission's own .env and from nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.policy.collect import Collector
from grader.policy.document import dotenv
from grader.policy.document.interpolate import InterpolationError, escape, expand

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

ENV = {"A": "1", "EMPTY": "", "B": "b"}
FORMS = [
    ("$A", "1"), ("${A}x", "1x"), ("$$A", "$A"), ("$${A}", "${A}"), ("$A$B", "1b"), ("$A_", ""),
    ("${A:-x}", "1"), ("${EMPTY:-x}", "x"), ("${EMPTY-x}", ""), ("${N-x}", "x"), ("${N:-}", ""),
    ("${A:+x}", "x"), ("${EMPTY:+x}", ""), ("${EMPTY+x}", "x"), ("${N+x}", ""),
    ("${N:-${A}}", "1"), ("${N:-${M:-${B}}}", "b"), ("${N:-a$A}", "a1"), ("${A:?no}", "1"), ("no", "no"), ("${N}", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), FORMS)
def test_every_form_is_replaced_as_compose_does(text: str, value: str) -> None:
    assert expand(text, ENV) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("$", "interpolation-syntax"), ("a$ b", "interpolation-syntax"), ("${", "interpolation-syntax"),
        ("${}", "interpolation-syntax"), ("${A", "interpolation-syntax"), ("${A!x}", "interpolation-syntax"),
        ("${1A}", "interpolation-syntax"), ("$1", "interpolation-syntax"), ("${N:?must}", "variable-required"),
        ("${EMPTY:?must}", "variable-required"), ("${N:-" * 12 + "}" * 12, "interpolation-syntax"),
    ],
)  # fmt: skip
def test_what_is_no_form_is_refused(text: str, code: str) -> None:
    with pytest.raises(InterpolationError) as refused:
        expand(text, ENV)
    assert refused.value.code == code


def test_a_text_that_explodes_is_refused() -> None:
    with pytest.raises(InterpolationError) as refused:
        expand("$A" * 100, {"A": "x" * 1000})
    assert refused.value.code == "interpolation-too-large"


@given(st.text())
def test_what_is_escaped_comes_back_unchanged(text: str) -> None:
    assert expand(escape(text), {}) == text


@given(st.text(alphabet="${}:-+?ABN ", max_size=60))
def test_any_text_is_replaced_or_refused(text: str) -> None:
    try:
        assert len(expand(text, ENV)) <= 2 * len(text)
    except InterpolationError as error:
        assert error.code in {"interpolation-syntax", "variable-required"}  # noqa: PT017 - both ways are right


def parsed(text: str) -> dict[str, str | None]:
    out = Collector()
    found = {v.name: v.value for v in dotenv.parse(text.encode(), ".env", {}, out)}
    assert out.errors == ()
    return found


def test_a_file_of_variables_is_read_as_compose_does() -> None:
    text = (
        "# comment\r\n\nA=1\nexport B = two words # remark\nC='$A # literal'\nD=\"$A\\n\\$x\"\nE=$A$Z\nF\nG: yaml\n"
        'H="two\nlines"\nI=\nJ="open\nK=a#b\n'
    )
    assert parsed(text) == {
        "A": "1", "B": "two words", "C": "$A # literal", "D": "1\n$x", "E": "1", "F": None, "G": "yaml",
        "H": "two\nlines", "I": "", "J": '"open', "K": "a#b",
    }  # fmt: skip


def test_a_line_that_is_no_assignment_is_refused_by_line() -> None:
    out = Collector()
    dotenv.parse(b"A=1\nwhat is this\n", ".env", {}, out)
    assert [(f.code, f.line) for f in out.errors] == [("env-syntax", 2)]


@given(st.text(alphabet="AB= #'\"\n\\$x", max_size=60))
def test_any_file_of_variables_ends(text: str) -> None:
    dotenv.parse(text.encode(), ".env", {}, Collector())


def test_the_host_gives_nothing(submission: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "from the host")
    submission.write("more.env", "M=$SECRET\nSECRET\n").write(".env", "E=$SECRET\n")
    submission.service("command: '$SECRET${E}'\nenv_file: more.env\nenvironment: ['SECRET', 'E']")
    app = submission.app()
    assert app["command"] == ""
    assert app["environment"] == {"M": "", "SECRET": "", "E": ""}
    assert "variable-not-set" in submission.codes()


def test_dollars_reach_the_container_once(submission: Submission) -> None:
    submission.write(".env", "PRICE='$5'\n")
    app = submission.service("command: ['echo', '$$HOME', '${PRICE}']").app()
    assert app["command"] == ["echo", "$$HOME", "$$5"]


def test_env_file_gives_way_to_environment_and_later_files_win(submission: Submission) -> None:
    submission.write("a.env", "A=1\nB=1\nC=1\n").write("b.env", "B=2\n")
    submission.service(
        "env_file: [a.env, {path: b.env}, {path: none.env, required: false}]\nenvironment: {C: 3, D: true, E: 1.10}"
    )
    assert submission.app()["environment"] == {"A": "1", "B": "2", "C": "3", "D": "true", "E": "1.1"}


@pytest.mark.parametrize("name", ["COMPOSE_FILE", "DOCKER_HOST", "LD_PRELOAD", "PATH", "https_proxy", "GIT_SSH"])
def test_a_variable_that_steers_tools_is_left_out(submission: Submission, name: str) -> None:
    submission.write(".env", f"A=1\n{name}=x\n").service(f"command: '${name}'")
    assert submission.app()["command"] == ""
    finding = next(f for f in submission.findings() if f.code == "env-name-reserved")
    assert (finding.file, finding.line) == (".env", 2)


def test_an_env_file_outside_by_a_link_is_not_read(submission: Submission) -> None:
    (submission.root / ".env").symlink_to("/etc/environment")
    assert submission.service("init: true").codes() == set()


def test_variables_are_replaced_before_anything_is_judged(submission: Submission) -> None:
    submission.write(".env", "MODE=host\nPRIV=true\n").service("network_mode: $MODE\nprivileged: ${PRIV}")
    assert set(submission.errors()) == {"host-network", "privileged"}
