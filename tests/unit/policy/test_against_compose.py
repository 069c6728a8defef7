"""Our reading of values and files of variables, against that of the Compose that runs what we have judged.

Wanted differences, which what is generated here does not have: expressions that are nested more than ten deep, and
values that are not text in UTF-8 or hold a NUL, are refused; the second kind starts no container. What a container's
variables would take over from the machine (HOME, PATH) is empty. Types are compared in test_forms.py.
"""

from __future__ import annotations

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from grader.policy.collect import Collector
from grader.policy.document import dotenv
from grader.policy.document.interpolate import InterpolationError, expand
from tests.unit.policy.compose_config import config, plain, services
from tests.unit.policy.test_variables import FORMS, LINES, WRONG

# an example is many texts in one project, so a failing one is not made smaller: the text is named
BOUNDED = settings(max_examples=6, phases=[Phase.explicit, Phase.generate])
VARIABLES = {"A": "1", "EMPTY": "", "B": "b$x"}
DOTENV = "A=1\nEMPTY=\nB='b$x'\n"

PIECES = [
    "$", "$$", "{", "}", "${", "${A", "${A}", "$A", "$B", "${N", "${N:-", "${N-", ":-", ":+", "+", "-", "?", ":?", ":",
    "A", "N", " ", "(", ")", "1", "ñ", "'", '"', "\n", "x", "$(hostname)", "${}", "${1}",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)


def expanded(text: str) -> str | None:
    try:
        return expand(text, VARIABLES)
    except InterpolationError:
        return None


def read(texts: list[str]) -> list[str] | None:
    """Return what Compose makes of texts, None if it refuses one of them."""
    found = config({"compose.yaml": services({"a": {"command": texts}}), ".env": DOTENV})
    return None if isinstance(found, str) else list(map(plain, found["a"]["command"] or []))


@BOUNDED
@given(st.lists(TEXTS, min_size=60, max_size=60))
@example([text for text, _ in FORMS])
@example(["${N:?must}", "${A:-${}}", "${N:-a\nb}", "${A:-${N:?must}}", "${", "${}", "${1}", "${ A}", "${A!}"])
def test_texts_become_what_compose_makes_of_them(texts: list[str]) -> None:
    """Those that we take are the same; of those that we refuse Compose refuses each."""
    values = {text: expanded(text) for text in texts}
    taken = [text for text, value in values.items() if value is not None]
    assert dict(zip(taken, read(taken) or (), strict=True)) == {text: values[text] for text in taken}
    for text in [text for text, value in values.items() if value is None][:3]:
        assert read([text]) is None, text


ENV_PIECES = [
    "A", "B", "export ", "=", ": ", " ", "\t", "\n", "\n", "'", '"', "\\", "$", "$A", "${B:-x}", "$(id)", "#", " #",
    "x", "n", "0101", "ñ", ";", "\r\n", "A=1\n", "B='", 'C="', "${", "-", ".", "[0]",
]  # fmt: skip
ENV_TEXTS = st.lists(st.sampled_from(ENV_PIECES), max_size=12).map("".join)
Found = dict[str, str] | None


def variables(text: bytes) -> Found:
    out = Collector()
    found = dotenv.parse(text, "e", VARIABLES, out)
    if out.errors:
        return None
    known = ((v.name, VARIABLES.get(v.name) if v.value is None else v.value) for v in found)
    return {name: text for name, text in known if text is not None}  # a bare name of nothing leaves what stands above


def read_files(texts: list[bytes]) -> list[Found] | None:
    """Return the variables that Compose reads in each file, None if it refuses one of them."""
    many = {f"s{n}": {"env_file": f"e{n}"} for n in range(len(texts))}
    found = config({"compose.yaml": services(many), ".env": DOTENV, **{f"e{n}": t for n, t in enumerate(texts)}})
    return None if isinstance(found, str) else [plain(found[name].get("environment") or {}) for name in many]


@BOUNDED
@given(st.lists(ENV_TEXTS.map(str.encode), min_size=30, max_size=30))
@example([text.encode() for text in LINES])
@example([b"A B", b"export export A", b"B=1\nA B", b"A B\n", b"A B=1"])
@example([b"A=2\nA\n", b"N=2\nN\n", b"N=2\nN\nM=$N\n", b"N\nN=2\n"])
@example([data for data in WRONG if data.isascii() and b"\0" not in data])
def test_files_of_variables_hold_what_compose_reads_in_them(texts: list[bytes]) -> None:
    """Those that we take are the same; of those that we refuse Compose refuses each."""
    values = {text: variables(text) for text in texts}
    taken = [text for text, value in values.items() if value is not None]
    assert dict(zip(taken, read_files(taken) or (), strict=True)) == {text: values[text] for text in taken}
    for text in [text for text, value in values.items() if value is None][:3]:
        assert read_files([text]) is None, text
