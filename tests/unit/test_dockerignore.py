"""What a .dockerignore keeps out; that BuildKit does the same is asked in tests/docker/test_context.py."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from grader import dockerignore
from tests import contexts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("context")
    contexts.make(root)
    return root


def kept(text: str, folder: Path) -> list[str]:
    return list(dockerignore.read(text.encode()).kept(folder))


@pytest.mark.parametrize("text", contexts.CASES, ids=ascii)
def test_what_is_left_is_what_buildkit_takes(folder: Path, text: str) -> None:
    """Exceptions within ignored folders, letters' case, patterns in each form."""
    assert set(kept(text, folder)) == contexts.CASES[text]


@given(contexts.IGNORES)
def test_each_path_comes_once_and_after_its_folder(folder: Path, text: str) -> None:
    """Whatever the patterns are, the paths can be written into an archive in their order."""
    paths = kept(text, folder)
    assert len(paths) == len(set(paths))
    for number, path in enumerate(paths):
        assert path in contexts.EVERYTHING
        assert "/" not in path or path.rpartition("/")[0] in paths[:number]


@pytest.mark.parametrize("text", contexts.REFUSED, ids=ascii)
def test_a_pattern_that_docker_cannot_read_is_refused_by_its_line(text: str) -> None:
    """Brackets that are not closed, ranges turned round, an exception of nothing."""
    with pytest.raises(dockerignore.IgnoreError) as refused:
        dockerignore.read(text.encode())
    assert refused.value.line == contexts.REFUSED[text]


def test_a_backslash_of_windows_parts_folders(folder: Path) -> None:
    """Docker on Windows reads it so, and no name of a file is meant by it; which lines have one is known."""
    ignore = dockerignore.read(b"src\\sub\nd\\\nback\\\\slash\n")
    assert contexts.EVERYTHING - set(ignore.kept(folder)) == {
        "src/sub",
        "src/sub/mod.py",
        "src/sub/mod.txt",
        "d",
        "d/f",
        "d/g",
    }
    assert [pattern.windows for pattern in ignore.patterns] == [True, True, False]


def test_accents_are_those_of_the_clean_copy(folder: Path) -> None:
    """macOS writes a letter and its accent apart; the copied names have them together."""
    assert "ñ.txt" not in kept("n\u0303.txt", folder)


def test_bytes_that_are_no_text_match_nothing(folder: Path) -> None:
    """A comment in another code page is one."""
    assert set(dockerignore.read(b"# cach\xe9\n\xff*\n").kept(folder)) == contexts.EVERYTHING


def test_no_pattern_is_cut_off(folder: Path) -> None:
    """The last of thousands counts as the first one does."""
    text = "".join(f"none{n}\n" for n in range(5000)) + "top.py\n"
    assert "top.py" not in kept(text, folder)


HOSTILE = {
    "stars": "*a" * 30_000,
    "folders": "**/a/" * 12_000 + "b",
    "classes": "[^b]*" * 12_000,
    "exceptions": "*\n" + "!*a*a*a*a*a*a*b\n" * 3500,
    "short": "a\n" * 32_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_of_the_largest_size_is_applied_soon(tmp_path: Path, name: str) -> None:
    """A pattern costs what it is long, and not what it could be matched in."""
    for number in range(10):
        (tmp_path / (str(number) + "a" * 190)).touch()
    began = time.process_time()
    list(dockerignore.read(HOSTILE[name].encode()[: dockerignore.MAX_BYTES]).kept(tmp_path))
    assert time.process_time() - began < 2
