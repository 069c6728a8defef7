"""Reading ends: whatever a file holds, in time and memory that do not depend on what it could be expanded to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.catalogue import load as load_catalogue
from grader.policy import left_behind
from grader.policy.collect import Collector
from grader.policy.document import dotenv
from grader.policy.document.interpolate import InterpolationError, escape, expand
from grader.policy.document.nodes import plain
from grader.policy.document.yaml_load import MAX_BYTES, MAX_NODES, YamlError, load

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

SECONDS = 2.0


def filled(piece: str, size: int = MAX_BYTES) -> str:
    return piece * (size // len(piece.encode()))


YAMLS = {
    "brackets": filled("["),
    "braces": filled("{a: "),
    "dashes": filled("- "),
    "questions": filled("? "),
    "anchors": filled("&a "),
    "anchor names": "&" + filled("a", 1000) + " x",
    "anchored keys": "".join(f"k{i}: &a{i} x\n" for i in range(15_000)),
    "chain of aliases": "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 9000)),
    "aliases of a long text": f"a: &a {'x' * 100_000}\nb: [{filled('*a,', 60_000)}]",
    "merges of merges": "a0: &a0 {x0: 1}\n"
    + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}, x{i}: 1}}\n" for i in range(1, 5000)),
    "tabs": filled("\t"),
    "tabs behind a key": "a:\n" + filled("\t", 1000),
    "colons": filled(": "),
    "quotes": filled("'"),
    "double quotes": filled('"'),
    "bangs": filled("! "),
    "directives": filled("%TAG ! x\n"),
    "comments": filled("#\n"),
    "lines": filled("\n"),
    "documents": filled("---\n"),
    "a long scalar": filled("x"),
    "digits": "a: " + filled("9", 200_000),
    "folded": "a: >\n" + filled("  x\n", 200_000),
    "commas": "[" + filled(",", 1000),
    "short items": "[" + filled("x,", 200_000) + "]",
}


@pytest.mark.parametrize("name", YAMLS)
def test_a_file_of_the_largest_size_is_read_or_refused_soon(name: str) -> None:
    """Whatever it is full of."""
    data = YAMLS[name].encode()
    assert len(data) <= MAX_BYTES
    began = time.process_time()
    try:
        load(data)
    except YamlError as error:
        assert error.code  # noqa: PT017 - both ways are right
    assert time.process_time() - began < SECONDS


def test_a_long_text_counts_each_time_that_it_is_repeated() -> None:
    """By an alias too."""
    text = f"a: &a {'x' * 32_000}\nb: [{'*a,' * 1000}]"
    with pytest.raises(YamlError) as refused:
        load(text.encode())
    assert refused.value.code == "yaml-too-large"
    assert MAX_NODES > 1000


PLAIN_TEXT = st.text(alphabet="abcxyzÑé :#-_./$%", max_size=12)
DOCUMENTS = st.recursive(
    PLAIN_TEXT | st.booleans() | st.integers(-(10**6), 10**6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(alphabet="abcxyz-_. ", min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(DOCUMENTS, st.booleans())
@settings(deadline=None, max_examples=150)
def test_a_simple_document_is_what_pyyaml_says_it_is(value: object, flow: bool) -> None:
    """Bounds change no meaning."""
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    assert plain(load(text.encode())) == yaml.safe_load(text)


VARIABLES = ["${", "$a", "${a:-", "${a:-x}", "$$", "$", "}", "${a", "${a:-$", "${A}", "${A:+", "${a?"]


@pytest.mark.parametrize("piece", VARIABLES)
def test_a_text_full_of_variables_is_replaced_or_refused_soon(piece: str) -> None:
    """No form makes the time grow out of proportion."""
    began = time.process_time()
    for text in (filled(piece), filled(piece, MAX_BYTES // 2) + filled("}", MAX_BYTES // 2)):
        try:
            expand(text, {"A": "x"})
        except InterpolationError as error:
            assert error.code.startswith(("interpolation-", "variable-"))  # noqa: PT017 - both ways are right
    assert time.process_time() - began < SECONDS


@given(st.text(alphabet="$a{}A:-é\n", max_size=80))
@settings(deadline=None, max_examples=150)
def test_an_escaped_text_comes_back_whole(text: str) -> None:
    """Of any length."""
    assert expand(escape(text), {"a": "1", "A": "2"}) == text


ENV_LINES = [
    'A="\n',
    "A='\n",
    'A="x\\\n',
    "A\n",
    "A=\n",
    "=\n",
    "A=$A$A\n",
    "A=${A:-x}\n",
    "\\\n",
    'A="$$\n',
    "export \n",
]


@pytest.mark.parametrize("line", ENV_LINES)
def test_a_file_of_variables_is_read_or_refused_soon(line: str) -> None:
    """Its values are bounded together."""
    began = time.process_time()
    found = dotenv.parse(filled(line, dotenv.MAX_BYTES).encode(), ".env", {}, Collector())
    assert time.process_time() - began < SECONDS
    assert sum(len(v.value or "") for v in found) <= dotenv.MAX_VALUES


def test_variables_that_repeat_each_other_do_not_fill_the_memory() -> None:
    """All that a file makes of them counts."""
    text = f"A={'x' * 20_000}\n" + "".join(f"B{i}=$A\n" for i in range(4000))
    out = Collector()
    found = dotenv.parse(text.encode(), ".env", {}, out)
    assert sum(len(v.value or "") for v in found) <= dotenv.MAX_VALUES
    assert {f.code for f in out.errors} == {"env-too-large"}


@given(st.binary(max_size=200) | st.text(alphabet="AB=:$\"'\\\n #{}", max_size=120).map(str.encode))
@settings(deadline=None, max_examples=150)
def test_any_bytes_are_variables_or_findings(data: bytes) -> None:
    """Each with a line of the file."""
    out = Collector()
    for variable in dotenv.parse(data, ".env", {}, out):
        assert variable.name or variable.value is not None
        assert 1 <= variable.line <= data.count(b"\n") + 1


WHOLE = {
    "unknown attributes": "services:\n  a:\n    image: redis\n" + "".join(f"    k{i}: 1\n" for i in range(9000)),
    "mounts": f"services: {{a: {{image: redis, volumes: [{filled('/a,', 20_000)}]}}}}",
    "capabilities": f"services: {{a: {{image: redis, cap_add: [{filled('x,', 20_000)}]}}}}",
    "ports": f"services: {{a: {{image: redis, ports: [{filled('1,', 20_000)}]}}}}",
    "words": f"services: {{a: {{image: redis, command: [{filled('x,', 20_000)}]}}}}",
    "variables": f"services: {{a: {{image: redis, command: '{filled('$a', 60_000)}'}}}}",
    "texts of variables": f"x-a: &a '{'$$' * 30_000}'\nservices: {{a: {{image: redis, command: [{'*a,' * 80}]}}}}",
    "services": "services:\n" + "".join(f"  s{i}: {{image: redis}}\n" for i in range(4000)),
    "chain of extends": "services:\n  s0: {image: redis}\n"
    + "".join(f"  s{i}: {{extends: s{i - 1}}}\n" for i in range(1, 4000)),
    "large base": f"services:\n  s: {{image: redis, expose: [{'1,' * 8000}]}}\n"
    + "".join(f"  s{i}: {{extends: s, expose: [2]}}\n" for i in range(1500)),
    "includes": f"include: [{filled('compose.yaml,', 20_000)}]\nservices: {{a: {{image: redis}}}}",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_project_is_judged_soon(submission: Submission, name: str) -> None:
    """The largest of each kind."""
    submission.compose(WHOLE[name])
    began = time.process_time()
    submission.findings()
    assert time.process_time() - began < SECONDS


def test_files_that_include_each_other_many_times_are_read_once(submission: Submission) -> None:
    """Nine times eight levels are eight files."""
    for i in range(8):
        submission.write(f"f{i}.yaml", f"include: [{', '.join([f'f{i + 1}.yaml'] * 9)}]\n")
    submission.write("f8.yaml", "services: {b: {image: redis}}")
    submission.compose("include: [f0.yaml]\nservices: {a: {image: redis}}")
    began = time.process_time()
    assert set(submission.plan().compose["services"]) == {"a", "b"}
    assert time.process_time() - began < SECONDS


def test_files_put_into_containers_are_limited_together(submission: Submission) -> None:
    """Each of them alone would be small enough."""
    for i in range(12):
        submission.write(f"f{i}.txt", "x" * 500_000)
    mounts = ", ".join(f"./f{i}.txt:/f{i}.txt" for i in range(12))
    assert set(submission.service(f"volumes: [{mounts}]").errors()) == {"files-too-large"}


HOMES = ("/data", "/var/log/redis", *(f"/data/appendonlydir/{n}" for n in range(40)))
MANY = {
    "mounts": {f"d/{n}/{m}": home for n in range(30) for m, home in enumerate(HOMES)},
    "words": {"d": "/data"},
}


@pytest.mark.parametrize("case", MANY)
def test_old_data_is_found_soon_whatever_is_bound(submission: Submission, case: str) -> None:
    """Thirty brokers with as many mounts as there may be, and texts in which every word could name a file."""
    submission.write("long.conf", filled("a", 500_000)).write("more.conf", filled("dir \t ", 500_000))
    submission.write("d/x.conf", filled("\n", 60_000))
    services = "".join(
        f"  s{n}:\n    image: redis:7\n    command: redis-server {filled('/data/x.conf ', 5000)}\n    volumes:\n"
        + "".join(
            f"      - ./{source}:{home}\n"
            for source, home in MANY[case].items()
            if case == "words" or f"/{n}/" in source
        )
        + "      - ./long.conf:/etc/long.conf\n      - ./more.conf:/etc/more.conf\n"
        for n in range(30)
    )
    submission.compose("services:\n" + services)
    began = time.process_time()
    found = left_behind(submission.root, load_catalogue())
    assert time.process_time() - began < 2 * SECONDS
    assert {f.path for f in found} <= set(MANY[case])
