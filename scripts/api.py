"""Writes what an assignment may import from `grader`: docs/api.md from the docstrings, grader/__init__.pyi for mypy.

python scripts/api.py            write both
python scripts/api.py --check    fail if one of them is not what the code says

What other distributions export is in neither: it stays `Any`.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import typing
from pathlib import Path

import grader
from grader import brokers

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "api.md"
STUB = ROOT / "grader" / "__init__.pyi"
STUB_HEAD = """\
# What `grader` offers to authors, for mypy; scripts/api.py writes it from grader/__init__.py and the rooms' exports.
from typing import Any

from grader._version import __version__ as __version__
"""
STUB_END = """
def __getattr__(name: str) -> Any: ...  # what rooms of other distributions export
"""
HEAD = """# The author's API

All that an assignment imports comes from `grader`; this page is written by `scripts/api.py` from the docstrings.
[Writing an assignment](authoring.md) shows how they work together.
"""
ROOMS = (
    ("A check", ("check", "blocked", "Contract", "contract")),
    (
        "A submission",
        ("Subject", "HTTPSubject", "QueueSubject", "RedisSubject", "GroupSubject", "EventSubject", "GroupTerms"),
    ),
    (
        "What is waited for",
        ("arrived", "delivered", "either", "at_most", "holds", "eventually", "never", "quiet_for", "pause"),
    ),
    (
        "Faults, outages and crowds",
        ("FaultInjector", "QueueOutage", "MemberDeath", "Replay", "at_once", "held_up", "malformed"),
    ),
    ("Oracles", ("delivery", "sharing", "group", "offsets", "caching", "Violation")),
    ("The record", ("Event", "History", "Evidence", "msg")),
)


def homes() -> dict[str, str]:
    """Return all names that an assignment imports, and the module in which each is."""
    found = {name: home for home, names in grader.HOMES.items() for name in names}
    for room in brokers.rooms().values():
        if not room.distribution:
            found |= {name: path.partition(":")[0] for name, path in room.broker.exports.items()}
    return dict(sorted(found.items()))


def stub() -> str:
    """Return the types."""
    ordered = sorted(homes().items(), key=lambda n: (n[1], not n[0].isupper(), not n[0][0].isupper(), n[0]))
    lines = [f"from {home} import {name} as {name}" for name, home in ordered]
    return "\n".join([STUB_HEAD + lines[0], *lines[1:], STUB_END])


def text() -> str:
    """Return the page."""
    placed = [name for _, names in ROOMS for name in names]
    rest = [name for name in homes() if name not in placed]
    parts = [HEAD]
    for title, names in (*ROOMS, ("Besides", tuple(rest))):
        parts += [f"\n## {title}\n", *(_entry(name) for name in names)]
    return "".join(parts)


def _entry(name: str) -> str:
    thing = getattr(grader, name)
    if inspect.ismodule(thing):
        return f"\n### `{name}`\n{_told(thing)}\n" + "".join(_function(f"{name}.{n}", f) for n, f in _functions(thing))
    if inspect.isclass(thing):
        own = [(n, getattr(m, "__func__", m)) for n, m in vars(thing).items() if not n.startswith("_")]
        own = [(n, m) for n, m in own if inspect.isfunction(m)]
        return f"\n### `{name}`\n{_told(thing)}\n" + "".join(_function(f".{n}", m) for n, m in own)
    if inspect.isfunction(thing):
        return f"\n### `{name}{_signature(thing)}`\n{_told(thing)}\n"
    return f"\n### `{name}`\n{_value(thing)}\n"


def _signature(function: typing.Any) -> str:
    """Return the parameters as they are written, without a method's own object."""
    written = re.sub(r"""(: |-> )(['"])(.*?)\2(?=[,) ]|$)""", r"\1\3", str(inspect.signature(function)))
    return re.sub(r"\((self|cls)(, )?", "(", written, count=1)


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
    check = parser.parse_args().check
    for file, wanted in ((PAGE, text()), (STUB, stub())):
        if not check:
            file.write_text(wanted, "utf-8")
        elif not file.is_file() or file.read_text("utf-8") != wanted:
            sys.stderr.write(f"{file} is not what the code says: python scripts/api.py\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
