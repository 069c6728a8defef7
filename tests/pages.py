"""The pages of the documentation, and the `grader` commands that they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"^ *```(?:sh|bash|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
_INLINE = re.compile(r"`(grader [^`]+)`")
# What the reader is to put in the place of a page's words.
_PLACEHOLDERS = {"<id>": "rabbitmq-task-queue", "WORK": "work", "DIR": "out"}


class Line(NamedTuple):
    """A `grader` command in a page."""

    page: str
    argv: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.argv)}"


def lines(page: Path) -> Iterator[Line]:
    """Yield the `grader` commands of a page's code blocks, as a shell would hand them over."""
    text = page.read_text("utf-8")
    for block in [*_FENCED.findall(text), *_INDENTED.findall(_FENCED.sub("", text))]:
        for line in block.replace("\\\n", " ").splitlines():
            with_words = line.strip().removeprefix("$ ")
            if with_words.startswith("grader ") and "{" not in with_words:
                yield _line(page, with_words)


def mentions(page: Path) -> Iterator[Line]:
    """Yield the `grader` commands that a page's running text names; some of them are names only, without arguments."""
    for command in _INLINE.findall(page.read_text("utf-8")):
        yield _line(page, command)


def _line(page: Path, command: str) -> Line:
    words = shlex.split(command, comments=True)[1:]
    return Line(page.name, tuple(_PLACEHOLDERS.get(w, w) for w in words if w not in {">", ">&2"}))
