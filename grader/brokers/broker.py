"""What a room declares. All of it can be imported without a client library: what needs one stands in `client`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from grader.brokers.by_hand import ByHand, nothing
from grader.brokers.source import Source
from grader.model.reasons import Reason


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about one system that a submission may contain.

    role: what an assignment.yaml calls it. port: the usual one.
    client: "module:NAME" of its Client, "" for one that nobody speaks to.
    images: the upstream names that it runs under; with some it is evidence, and its programs must be ours; without, a
      submission writes it itself.
    sources: what its probes record, by the name of the source.
    reasons: why a check fails that looks at it, by code.
    by_hand: what to type to look into one.
    exports: name that checks import from `grader` -> "module:NAME".
    """

    role: str
    port: int
    client: str = ""
    images: tuple[str, ...] = ()
    sources: Mapping[str, Source] = {}
    reasons: Mapping[str, Reason] = {}
    by_hand: ByHand = nothing
    exports: Mapping[str, str] = {}
