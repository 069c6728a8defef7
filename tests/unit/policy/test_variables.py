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
    # a $ that begins no variable is text
    ("$", "$"), ("a$ b", "a$ b"), ("$1", "$1"), ("$(hostname)", "$(hostname)"), ("{print $2}", "{print $2}"),
    ("$ñ", "$ñ"),    ("'q$'", "'q$'"), ("$$$A", "$1"), ("$-$A-$", "$-1-$"), ("a\n$\n", "a\n$\n"),
    # braces are counted as Compose does
    ('${N:-{"a": 1}}', '{"a": 1}'), ("${N:-{x}", "{x"), ("${N:-{}}", "{}"), ("${N:-a} }", "a }"), ("${A}{}", "1{}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), FORMS)
def test_every_form_is_replaced_as_compose_does(text: str, value: str) -> None:
    """Defaults, requirements and nesting, each with its answer from Compose."""
    assert expand(text, ENV) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("${", "interpolation-syntax"), ("${}", "interpolation-syntax"), ("${A", "interpolation-syntax"),
        ("${A!x}", "interpolation-syntax"), ("${1}", "interpolation-syntax"), ("${ A}", "interpolation-syntax"),
        ("${N:?must}", "variable-required"), ("${EMPTY:?must}", "variable-required"),
        ("${A:-${N:?must}}", "variable-required"), ("${A:-${}}", "interpolation-syntax"),
        ("${N:-a\nb}", "interpolation-syntax"), ("${N:-" * 12 + "}" * 12, "interpolation-syntax"),
    ],
)  # fmt: skip
def test_what_is_no_form_is_refused(text: str, code: str) -> None:
    """With the code that says why."""
    with pytest.raises(InterpolationError) as refused:
        expand(text, ENV)
    assert refused.value.code == code


def test_a_text_that_explodes_is_refused() -> None:
    """A few variables must not make a text without end."""
    with pytest.raises(InterpolationError) as refused:
        expand("$A" * 100, {"A": "x" * 1000})
    assert refused.value.code == "interpolation-too-large"


@given(st.text())
def test_what_is_escaped_comes_back_unchanged(text: str) -> None:
    """What we write for Compose means to it what it meant to us."""
    assert expand(escape(text), {}) == text


@given(st.text(alphabet="${}:-+?ABN ", max_size=60))
def test_any_text_is_replaced_or_refused(text: str) -> None:
    """Nothing else happens, and nothing grows."""
    try:
        assert len(expand(text, ENV)) <= 2 * len(text)
    except InterpolationError as error:
        assert error.code in {"interpolation-syntax", "variable-required"}  # noqa: PT017 - both ways are right


def parsed(text: str) -> dict[str, str | None]:
    out = Collector()
    found = {v.name: v.value for v in dotenv.parse(text.encode(), ".env", {}, out)}
    assert out.errors == ()
    return found


LINES = {
    "# comment\r\n\nA=1\r\n": {"A": "1"},
    "export B = two words # remark": {"B": "two words"},
    "C='$A # literal' # remark": {"C": "$A # literal"},
    'A=1\nD="$A\\n\\$x"\nE=$A$Z\nG: yaml\n': {"A": "1", "D": "1\n$x", "E": "1", "G": "yaml"},
    "F\nexport G\n": {"F": None, "G": None},
    'H="two\nlines"\nI=\nK=a#b\n': {"H": "two\nlines", "I": "", "K": "a#b"},
    "K=#x\nL= #x\nM=a #x\nN=a\t#x\n": {"K": "#x", "L": "#x", "M": "a", "N": "a\t#x"},
    "A='it\\'s'\nB=\"a\\\"b\"\nC='a\\nb'\n": {"A": "it's", "B": 'a"b', "C": "a\\nb"},
    'A="\\t\\0101\\0999\\q\\\\"\n': {"A": "\tA\\999\\q\\"},
    "A=$(date)\nB=\"awk '{print $2}'\"\nC=$\n": {"A": "$(date)", "B": "awk '{print $2}'", "C": "$"},
    'A="x"\tB=y\nC="x"D\n': {"A": "x", "B": "y", "C": "x", "D": None},
    "ñ=1\nA-b.c[0]=2\n1A=3\n\xa0B=\xa04\xa0\n": {"ñ": "1", "A-b.c[0]": "2", "1A": "3", "B": "4"},
    "=x\nA": {"": "A"},  # Compose's own: an empty name, and the last line without its end
}  # fmt: skip


@pytest.mark.parametrize("text", LINES, ids=ascii)
def test_a_file_of_variables_is_read_as_compose_does(text: str) -> None:
    """Comments, quotes and escapes, each with its answer from Compose."""
    assert parsed(text) == LINES[text]


WRONG = {
    b"A=1\nwhat is this\n": ("env-syntax", 2),
    b"A B=1\n": ("env-syntax", 1),
    b'\nA="open\nB=2\n': ("env-syntax", 2),
    b"A='open": ("env-syntax", 1),
    b'A="x" y z\n': ("env-syntax", 1),
    b'A="x";\n': ("env-syntax", 1),
    b"A=1\nB=${}\n": ("interpolation-syntax", 2),
    b"A=\x00\n": ("env-syntax", 1),
    b"# caf\xe9\nA=1\nB=caf\xe9\nC=\xe9\n": ("not-utf8", 3),
    b"# x\n\xf1=1\n": ("not-utf8", 2),
    "A=1\n".encode("utf-16"): ("not-utf8", 1),
}


@pytest.mark.parametrize("data", WRONG, ids=ascii)
def test_what_compose_refuses_in_it_is_refused_by_line(data: bytes) -> None:
    """With one finding that says how to mend it."""
    out = Collector()
    dotenv.parse(data, ".env", {}, out)
    assert [(f.code, f.line) for f in out.errors] == [WRONG[data]]
    assert out.errors[0].remedy


def test_bytes_in_a_comment_are_nobodys_fault() -> None:
    """An editor of Windows writes them in its own code page, and Compose never reads them."""
    out = Collector()
    assert [v.name for v in dotenv.parse(b"# contrase\xf1a\nA=1 # caf\xe9\n", ".env", {}, out)] == ["A"]
    assert out.all == ()


def test_values_use_what_is_known_then_what_stands_above_then_earlier_files() -> None:
    """The order is Compose's."""
    text = b"A=mine\nB=$A\nC=$K\nK=mine\nD=$E\n"
    found = {v.name: v.value for v in dotenv.parse(text, ".env", {"K": "known"}, Collector(), {"A": "old", "E": "old"})}
    assert found == {"A": "mine", "B": "mine", "C": "known", "K": "mine", "D": "old"}


RAW = b'\xef\xbb\xbf# c\n\n  A=$x #y \r\nB\nC="q"=\n'


def test_a_raw_file_is_taken_as_it_stands() -> None:
    """No quote and no dollar means anything in it."""
    out = Collector()
    assert {v.name: v.value for v in dotenv.parse_raw(RAW, "e", out)} == {"A": "$x #y ", "B": None, "C": '"q"='}
    dotenv.parse_raw(b"A =1\n=x\n#\xe9\nB=1", "e", out)
    assert [(f.code, f.line) for f in out.errors] == [("env-syntax", 1), ("env-syntax", 2), ("not-utf8", 3)]


@given(st.text(alphabet="AB= #'\"\n\\$x", max_size=60))
def test_any_file_of_variables_ends(text: str) -> None:
    """It is read or complained about in every case."""
    dotenv.parse(text.encode(), ".env", {}, Collector())


def test_the_host_gives_nothing(submission: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the grader's own environment is never seen by a submission."""
    monkeypatch.setenv("SECRET", "from the host")
    submission.write("more.env", "M=$SECRET\nSECRET\n").write(".env", "E=$SECRET\n")
    submission.service("command: '$SECRET${E}'\nenv_file: more.env\nenvironment: ['SECRET', 'E']")
    app = submission.app()
    assert app["command"] == ""
    assert app["environment"] == {"M": "", "E": ""}
    assert "variable-not-set" in submission.codes()


def test_dollars_reach_the_container_once(submission: Submission) -> None:
    """They are escaped where Compose would replace them again."""
    submission.write(".env", "PRICE='$5'\n")
    app = submission.service("command: ['echo', '$$HOME', '${PRICE}']").app()
    assert app["command"] == ["echo", "$$HOME", "$$5"]


def test_env_file_gives_way_to_environment_and_later_files_win(submission: Submission) -> None:
    """Values become texts as Compose writes them."""
    submission.write("a.env", "A=1\nB=1\nC=1\n").write("b.env", "B=2\n")
    submission.service(
        "env_file: [a.env, {path: b.env}, {path: none.env, required: false}]\nenvironment: {C: 3, D: true, E: 1.10}"
    )
    assert submission.app()["environment"] == {"A": "1", "B": "2", "C": "3", "D": "true", "E": "1.1"}


def test_a_bare_name_is_not_set_wherever_nothing_says_what_it_is(submission: Submission) -> None:
    """Not even where a file has it: what environment: says counts, as in Compose."""
    submission.write(".env", "A=1\n").write("e.env", "A\nB\nC=3\nD=4\n")
    app = submission.service("env_file: e.env\nenvironment: {C: , D: 5, E: , F: $D}").app()
    assert app["environment"] == {"A": "1", "D": "5", "F": ""}


def test_what_env_files_say_is_below_the_project_and_the_service(submission: Submission) -> None:
    """A value that uses a variable of .env or of environment: gets that one, whatever stands above it."""
    submission.write(".env", "A=1\n").write("e.env", "A=2\nB=$A\nC=$D\nD=5\n")
    app = submission.service("env_file: e.env\nenvironment: {D: 7}").app()
    assert app["environment"] == {"A": "2", "B": "1", "C": "7", "D": "7"}


def test_a_name_that_is_empty_starts_nothing(submission: Submission) -> None:
    """Compose reads it so, and the engine refuses the container."""
    submission.write("e.env", "A=1\nLAST").service("env_file: e.env")
    assert submission.errors() == {"env-syntax": 2}
    assert submission.write(".env", "A=1\nLAST").service("init: true").codes() == set()


def test_a_name_that_no_program_could_ask_for_is_refused(submission: Submission) -> None:
    """A raw file takes anything before its =."""
    submission.write("e.env", "A=1\nB$C=2\n\x07=3\n").service("env_file: [{path: e.env, format: raw}]")
    assert [(f.code, f.line) for f in submission.findings()] == [("env-syntax", 2), ("env-syntax", 3)]


def test_variables_of_a_file_that_cannot_be_read_are_not_said_to_be_missing(submission: Submission) -> None:
    """One finding: the others would only follow from it."""
    submission.write(".env", b"IMAGE=redis\nKEY=contrase\xf1a\n").service("command: ${IMAGE:?} $KEY\nhostname: $H")
    assert [(f.code, f.file, f.line) for f in submission.findings()] == [("not-utf8", ".env", 2)]


COMMANDS = [
    "rabbitmq-diagnostics -q -n rabbit@$(hostname) ping", "grep -qE 'rabbitmq$' && break", "awk '{print $2}'", "a $",
    "$ñ", "echo $1 $@ $#",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_dollar_of_the_shell_reaches_it(submission: Submission, command: str) -> None:
    """In each text; what Compose is given has it escaped, so that it is text there as well."""
    quoted = "'" + command.replace("'", "''") + "'"
    app = submission.service(
        f"command: {quoted}\nentrypoint: [sh, -c, {quoted}]\nenvironment: {{A: {quoted}}}\n"
        f"healthcheck: {{test: [CMD-SHELL, {quoted}]}}"
    ).app()
    written = command.replace("$", "$$")
    assert app["command"] == written
    assert app["entrypoint"] == ["sh", "-c", written]
    assert app["environment"] == {"A": written}
    assert app["healthcheck"] == {"test": ["CMD-SHELL", written]}


@pytest.mark.parametrize("name", ["COMPOSE_FILE", "DOCKER_HOST", "LD_PRELOAD", "PATH", "https_proxy", "GIT_SSH"])
def test_a_variable_that_steers_tools_is_left_out(submission: Submission, name: str) -> None:
    """It would steer Compose or Docker themselves; the finding names its line."""
    submission.write(".env", f"A=1\n{name}=x\n").service(f"command: '${name}'")
    assert submission.app()["command"] == ""
    finding = next(f for f in submission.findings() if f.code == "env-name-reserved")
    assert (finding.file, finding.line) == (".env", 2)


def test_an_env_file_outside_by_a_link_is_not_read(submission: Submission) -> None:
    """A link to the host's file is as good as no file."""
    (submission.root / ".env").symlink_to("/etc/environment")
    assert submission.service("init: true").codes() == set()


def test_variables_are_replaced_before_anything_is_judged(submission: Submission) -> None:
    """What is refused in a file is refused in a variable."""
    submission.write(".env", "MODE=host\nPRIV=true\n").service("network_mode: $MODE\nprivileged: ${PRIV}")
    assert set(submission.errors()) == {"host-network", "privileged"}
