"""Why an image cannot be pulled, read from the engine's words: it hands on those of the registry, or of the way to it.

Engines of all ages say it differently, so words decide and not the status of the answer. What cannot be told for
certain counts as a registry that does not answer, which is nobody's fault.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Kind = Literal["absent", "private", "limited", "unfit", "too-large", "full", "silent"]

_LIMITED = re.compile(r"toomanyrequests|too many requests|rate.?limit|\b429\b", re.IGNORECASE)
_UNFIT = re.compile(r"no matching manifest|no match for platform|does not match the specified platform", re.IGNORECASE)
_ABSENT = re.compile(
    r"manifest[ _]unknown|name[ _]unknown|manifest for \S+ not found|failed to resolve reference \S+: \S+: not found"
    r"|repository \S+ not found|unknown manifest|blob[ _]unknown",
    re.IGNORECASE,
)
_PRIVATE = re.compile(
    r"pull access denied|requested access to the resource is (?:denied|not authorized)|insufficient[ _]scope"
    r"|authentication required|\bdenied\b|\bunauthorized\b",
    re.IGNORECASE,
)


class Failure(msgspec.Struct, frozen=True):
    """What kept an image away, and the engine's words for it.

    absent: its registry has no such image or tag. private: it gives it to nobody without a login, or has none (some
    do not say which). limited: it gives no more for now. unfit: it has none for this machine's processor. too-large:
    larger than it may be. full: this machine's disk has no room for it. silent: anything else.
    """

    kind: Kind
    words: str = ""


def understood(words: str) -> Failure:
    """Return what the engine's words mean."""
    told = words.strip().rstrip(".")[:500]
    for kind, said in _MEANINGS:
        if said.search(told):
            return Failure(kind, told)
    return Failure("silent", told)


_MEANINGS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("limited", _LIMITED),
    ("unfit", _UNFIT),
    ("absent", _ABSENT),
    ("private", _PRIVATE),
)
