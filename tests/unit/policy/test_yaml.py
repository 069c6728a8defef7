"""The YAML loader: bounded, typed by YAML 1.2, and every refusal with its line."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from grader.policy.document.nodes import Mapping, Node, Scalar, Sequence, plain, text_of
from grader.policy.document.yaml_load import YamlError, load

REFUSED = [
    (b"a: [1,\n b", "yaml-syntax", 2),
    (b"a: b: c", "yaml-syntax", 1),
    (b"a:\n\t- b", "yaml-syntax", 2),
    (b"a: *x", "yaml-syntax", 1),
    (b"a: \x01", "yaml-syntax", 1),
    (b"a: 1\nb: 2\na: 3", "yaml-duplicate-key", 3),
    (b"a: 1\n---\nb: 2", "several-documents", 2),
    (b"a: &a [*a]", "yaml-alias-loop", 1),
    (b"a:\n  b: !reset null", "yaml-tag", 2),
    (b"a: !override []", "yaml-tag", 1),
    (b"a: !!binary aG9zdA==", "yaml-tag", 1),
    (b"a: !!python/object/apply:os.system [x]", "yaml-tag", 1),
    (b"a: !!int x", "yaml-tag", 1),
    (b"1: a", "yaml-key", 1),
    (b"[a]: b", "yaml-key", 1),
    (b"<<: 1", "yaml-merge", 1),
    (b"ok: 1\nbad: \xff", "not-utf8", 2),
    (b"[" * 60, "yaml-too-deep", 1),
    (b"x" * (300 * 1024), "file-too-large", 0),
]


@pytest.mark.parametrize(("data", "code", "line"), REFUSED)
def test_what_cannot_be_taken_is_refused_with_its_line(data: bytes, code: str, line: int) -> None:
    """Tags, duplicate keys, several documents, and what is no YAML."""
    with pytest.raises(YamlError) as refused:
        load(data)
    assert (refused.value.code, refused.value.line) == (code, line)


def test_billion_laughs_end_at_once() -> None:
    """Aliases count each time that they are used."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    began = time.monotonic()
    with pytest.raises(YamlError) as refused:
        load("\n".join(lines).encode())
    assert refused.value.code == "yaml-too-large"
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("depth", [100, 5000, 100_000])
def test_depth_is_a_number_and_not_a_crash(depth: int) -> None:
    """Nesting is bounded before it meets a stack."""
    with pytest.raises(YamlError) as refused:
        load(b"[" * depth + b"]" * depth)
    assert refused.value.code == "yaml-too-deep"


def test_depth_counts_through_aliases() -> None:
    """What an alias hides is as deep as if it were written."""
    chain = "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n" + "".join(f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]\n" for i in range(1, 12))
    with pytest.raises(YamlError) as refused:
        load(chain.encode())
    assert refused.value.code == "yaml-too-deep"


SCALARS = [
    ("yes", "yes"), ("on", "on"), ("true", True), ("False", False), ("22:22", "22:22"), ("1_000", 1000), ("0x1F", 31),
    ("0o17", 15), ("017", 15), ("~", None), ("", None), ("1.10", 1.1), ("1e3", 1000.0), ("2001-01-01", "2001-01-01"),
    ("'1'", "1"), ('"true"', "true"), ("!!str 1", "1"), ("! 1", "1"), ("-", "-"), (".", "."), ("3.8", 3.8),
    ("9" * 50, "9" * 50),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [s for s in SCALARS if s[0] != "-"])
def test_scalars_have_the_types_that_compose_gives_them(text: str, value: object) -> None:
    """YAML 1.2, where `on` is a text and 0o7 a number."""
    assert plain(load(f"a: {text}\n".encode())) == {"a": value}


def test_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    """Lines are counted as an editor does."""
    tree = load(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - x\r\n")
    assert plain(tree) == {"a": 1, "b": ["x"]}
    assert isinstance(tree, Mapping)
    assert tree.entries["b"].line == 2


def test_merge_keys_give_way_to_explicit_ones_and_to_earlier_sources() -> None:
    """As the merge key's definition has it."""
    tree = load(b"x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 0}\n")
    assert plain(tree) == {"x": {"a": 1, "b": 1}, "y": {"b": 2, "c": 2}, "z": {"a": 0, "b": 1, "c": 2}}


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    """Quotes make it a text."""
    assert plain(load(b'"<<": 1')) == {"<<": 1}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_a_writer_of_yaml_wrote_is_read_back(value: object) -> None:
    """Any value that a compose file may hold."""

    class Quoting(yaml.SafeDumper):
        """Quotes texts, since YAML 1.1 and 1.2 differ in what unquoted ones are."""

        def ignore_aliases(self, _data: object) -> bool:
            return True

    Quoting.add_representer(str, lambda d, s: d.represent_scalar("tag:yaml.org,2002:str", s, style='"'))
    assert plain(load(yaml.dump(value, Dumper=Quoting, allow_unicode=True).encode())) == value


@given(st.binary(max_size=300) | st.text(alphabet="[]{}:-&*!|>'\"#, \n\tab01<", max_size=200).map(str.encode))
def test_any_bytes_are_taken_or_refused_with_a_line_of_the_file(data: bytes) -> None:
    """No line lies outside of it."""
    try:
        tree = load(data)
    except YamlError as error:
        assert 0 <= error.line <= data.count(b"\n") + data.count(b"\r") + 1  # noqa: PT017 - both ways are right
        return
    assert_lines(tree, data.count(b"\n") + data.count(b"\r") + 3)


def assert_lines(node: Node, last: int) -> None:
    """Every node has a line of the file."""
    assert 0 <= node.line <= last
    for child in node.items if isinstance(node, Sequence) else ():
        assert_lines(child, last)
    for entry in node.entries.values() if isinstance(node, Mapping) else ():
        assert_lines(entry.node, last)


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (None, ""), (1.1, "1.1"), (1000.0, "1000"), (7, "7")])
def test_scalars_are_written_as_compose_writes_them(value: object, text: str) -> None:
    """Numbers and switches become the same texts."""
    assert text_of(Scalar(value).value) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_file_with_a_mark_is_read_in_its_encoding(encoding: str) -> None:
    """Windows' editors write UTF-16."""
    assert plain(load("ñ: é\r\n".encode(encoding))) == {"ñ": "é"}


def test_a_broken_file_of_two_byte_characters_is_refused() -> None:
    """With its own code and not a traceback."""
    with pytest.raises(YamlError) as error:
        load(b"\xff\xfea")
    assert error.value.code == "not-utf8"
