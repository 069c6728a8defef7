"""Names that a system gives to what is there already: `Ruiz Ana (1).zip` and `Ruiz Ana - copia.zip` are no students."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What browsers add to a download, and Windows, macOS and Linux to a copy, in English and Spanish.
_NUMBERED = re.compile(r"(?P<base>.+?) ?\((?P<number>[1-9]\d?)\)", re.DOTALL)
_COPIED = re.compile(
    r"(?P<base>.+?)(?: - |[ _])\(?(?:copia|copy)\)?(?: \(?(?P<number>\d{1,2})\)?)?", re.DOTALL | re.IGNORECASE
)


_COPY_OF = re.compile(r"(?:copia de|copy of) (?P<base>.+?)(?: \((?P<number>\d{1,2})\))?", re.DOTALL | re.IGNORECASE)


def grouped(found: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Return each name with the places of those that are copies of it, in the order in which they were made.

    A name is a copy only if what it is a copy of is there as well. Where that would leave one name of many, none is:
    then the file has one name for all students (`entrega.zip`, `entrega (1).zip`, … out of messages).
    """
    present = frozenset(found)
    groups: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for place, name in enumerate(found):
        base, rank = _origin(name, present)
        groups[base].append((*rank, place))
    if len(groups) == 1 and len(present) > 1:
        return [(name, [place]) for place, name in enumerate(found)]
    return [(base, [place for *_, place in sorted(members)]) for base, members in groups.items()]


def _origin(name: str, present: frozenset[str]) -> tuple[str, tuple[int, int]]:
    """Return the name that this one is a copy of, or itself, and where it stands among the copies."""
    for kind, pattern in enumerate((_COPY_OF, _COPIED, _NUMBERED), start=1):
        match = pattern.fullmatch(name)
        if match and match["base"] in present:
            return match["base"], (kind, int(match["number"] or 1))
    return name, (0, 0)
