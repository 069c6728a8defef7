"""Writes docs/api.md: everything that an assignment may import from `grader`, from its docstrings.

python scripts/api.py            write the page
python scripts/api.py --check    fail if the page is not what the docstrings say
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import typing
from pathlib import Path

import grader

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
HEAD = """# The author's API

All that an assignment imports comes from `grader`; this page is written by `scripts/api.py` from the docstrings.
[Writing an assignment](authoring.md) shows how they work together.
"""
ROOMS = (
    ("A check", ("check", "blocked", "Subject", "QueueSubject", "GroupSubject", "Contract", "contract")),
    (
        "What is waited for",
        ("arrived", "delivered", "either", "at_most", "holds", "eventually", "never", "quiet_for", "pause"),
    ),
    ("Outages and crowds", ("QueueOutage", "at_once", "malformed")),
    ("Oracles", ("delivery", "sharing", "group", "offsets", "caching", "Violation")),
    ("The record", ("Event", "History", "Evidence", "msg")),
)


def text() -> str:
    """Return the page."""
    placed = [name for _, names in ROOMS for name in names]
    rest = [name for name in grader.__all__ if name not in placed and not name.startswith("_")]
    parts = [HEAD]
    for title, names in (*ROOMS, ("Besides", tuple(rest))):
        parts += [f"\n## {title}\n", *(_entry(name) for name in names)]
    return "".join(parts)


def _entry(name: str) -> str:
    thing = getattr(grader, name)
    if inspect.ismodule(thing):
        return f"\n### `{name}`\n{_told(thing)}\n" + "".join(_function(f"{name}.{n}", f) for n, f in _functions(thing))
    if inspect.isclass(thing):
        own = [(n, m) for n, m in vars(thing).items() if inspect.isfunction(m) and not n.startswith("_")]
        return f"\n### `{name}`\n{_told(thing)}\n" + "".join(_function(f".{n}", m) for n, m in own)
    if inspect.isfunction(thing):
        return f"\n### `{name}{_signature(thing)}`\n{_told(thing)}\n"
    return f"\n### `{name}`\n{_value(thing)}\n"


def _signature(function: typing.Any) -> str:
    """Return the parameters as they are written, without a method's own object."""
    return re.sub(r"\((self|cls)(, )?", "(", str(inspect.signature(function)).replace("'", ""), count=1)


def _functions(module: object) -> list[tuple[str, object]]:
    name = getattr(module, "__name__", "")
    found = inspect.getmembers(module, inspect.isfunction)
    return [(n, f) for n, f in found if f.__module__ == name and not n.startswith("_")]


def _function(name: str, function: typing.Any) -> str:
    return f"- `{name}{_signature(function)}`: {_told(function, one_line=True)}\n"


def _told(thing: object, *, one_line: bool = False) -> str:
    told = inspect.getdoc(thing) or ""
    return re.sub(r"\s+", " ", told) if one_line else told


def _value(thing: object) -> str:
    if isinstance(thing, tuple):
        return "Exceptions: " + ", ".join(f"`{each.__module__}.{each.__qualname__}`" for each in thing)
    return f"`{thing}`"


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    wanted = text()
    if not parser.parse_args().check:
        PAGE.write_text(wanted, "utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text("utf-8") == wanted:
        return 0
    sys.stderr.write(f"{PAGE} is not what the docstrings say: python scripts/api.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
