"""How a timeline draws what the probes of a room have seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from grader.model.text import Text


class Kind(msgspec.Struct, frozen=True):
    """The words of an event: with the container or service that it concerns (`%(actor)s`), and without."""

    of: Text
    alone: Text


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe records under one name, `recorder.note(<name>, <kind>, …)`.

    kinds: the words of each kind of event. details: by the key of what an event carries, the word that is shown of its
    value ("" for none); in the order in which they are shown, before all others, which read `key=value`. hidden: keys
    that a reader needs not; unseen: kinds that no reader sees at all.
    """

    glyph: str = "•"
    kinds: Mapping[str, Kind]
    details: Mapping[str, Callable[[Any], Text | str]] = {}
    hidden: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
