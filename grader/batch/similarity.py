"""Which submissions are nearly the same: MinHash over runs of words, without what the starter gave everybody.

A hint for the instructor and never a verdict. Contents that are identical are one content here and alike by definition.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

from rensa import RMinHash, RMinHashLSH

from grader.model.classroom import Similar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SHARE = 0.8  # of their runs of words
_PERMUTATIONS, _BANDS, _SEED = 128, 16, 1
_RUN = 5  # words
_MAX_FILE = 256 * 1024
_MAX_WORDS = 200_000
_WORD = re.compile(r"\w+|[^\w\s]")


def runs(folder: Path) -> set[str]:
    """Return the runs of words of all text files below a folder."""
    found: set[str] = set()
    words = 0
    for file in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        if file.stat().st_size > _MAX_FILE or words > _MAX_WORDS:
            continue
        data = file.read_bytes()
        if b"\0" in data:
            continue
        said = _WORD.findall(data.decode("utf-8", "replace").lower())
        words += len(said)
        found.update(" ".join(said[i : i + _RUN]) for i in range(max(0, len(said) - _RUN + 1)))
    return found


def sketch(folder: Path, given: set[str]) -> bytes:
    """Return the MinHash of a submission without the runs of `given` (the starter); b"" if too little is left."""
    own = runs(folder) - given
    if len(own) < 4 * _RUN:
        return b""
    made = RMinHash(_PERMUTATIONS, _SEED)
    made.update(sorted(own))
    state: bytes = made.__getstate__()
    return state


def pairs(contents: Mapping[str, list[str]], sketches: Iterable[tuple[str, bytes]]) -> tuple[Similar, ...]:
    """Return the pairs of students whose work is nearly the same, the most alike first.

    contents: the students of each content.
    """
    found = [
        Similar(students=(a, b), share=1.0) for students in contents.values() for a, b in combinations(students, 2)
    ]
    index = RMinHashLSH(SHARE, _PERMUTATIONS, _BANDS)
    before: list[tuple[str, RMinHash]] = []
    for content, data in sketches:
        if content in contents:
            made = _read(data)
            for one in index.query(made):
                share = before[one][1].jaccard(made)
                if share >= SHARE:
                    students = (contents[before[one][0]][0], contents[content][0])
                    found.append(Similar(students=students, share=round(share, 2)))
            index.insert(len(before), made)
            before.append((content, made))
    return tuple(sorted(found, key=lambda a: (-a.share, a.students)))


def _read(data: bytes) -> RMinHash:
    made = RMinHash(_PERMUTATIONS, _SEED)
    made.__setstate__(data)
    return made
