"""What is told of a reason code."""

from __future__ import annotations

import msgspec

from grader.model.text import Text


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What was expected and what was seen, to be filled with the facts of a check."""

    expected: Text
    observed: Text


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """title: the mistake in a few words; why: why it matters; hint: what to look at next.

    said: what a check says that fails with this code, by the word behind the code's slash ("" for the code alone).
    logs: the services whose last lines show it.
    """

    title: Text
    why: Text
    hint: Text
    said: dict[str, Said] = {}
    logs: tuple[str, ...] = ()
