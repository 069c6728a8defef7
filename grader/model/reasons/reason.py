"""What is told of a reason code."""

from __future__ import annotations

import msgspec

from grader.model.text import Text


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """title: the mistake in a few words; why: why it matters; hint: what to look at next."""

    title: Text
    why: Text
    hint: Text
