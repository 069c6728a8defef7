"""The assignment that docs/authoring.md writes down from its first file to its mutants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NAME = "visits"
_FILE = re.compile(
    rf"`((?:assignments|reference_solutions|fixtures/submissions)/{NAME}/[^`]+)`\n```\w+\n(.*?)^```$", re.M | re.S
)


def files() -> dict[str, str]:
    """Return what the page writes down, by path."""
    return dict(_FILE.findall((ROOT / "docs" / "authoring.md").read_text("utf-8")))


def write(folder: Path) -> None:
    """Write it out as an author does who follows the page."""
    for name, text in files().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
