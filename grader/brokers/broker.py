"""What a room declares. All of it can be imported without a client library: what needs one stands in `client`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from grader.brokers.by_hand import ByHand, nothing
from grader.brokers.rules import NO_RULES, Rules
from grader.brokers.source import Source
from grader.model.reasons import Reason

if TYPE_CHECKING:
    from pathlib import Path


class Programs(msgspec.Struct, frozen=True):
    """A system's own commands where its images call them otherwise.

    names: a regular expression of them. called: by an image's upstream name, how it calls one of a name without `.sh`.
    """

    names: str = ""
    called: Mapping[str, str] = {}


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about one system that a submission may contain.

    role: what an assignment.yaml calls it. port: the usual one.
    client: "module:NAME" of its Client, "" for one that nobody speaks to.
    terms: which of a contract's words (`user`, `password`, `database`) its probe takes.
    images: the upstream names that it runs under; with some it is evidence, and its programs must be ours; without, a
      submission writes it itself.
    rules: what a submission may set on it. programs: how its own commands are called.
    sources: what its probes record, by the name of the source.
    reasons: why a check fails that looks at it, by code.
    by_hand: what to type to look into one.
    exports: name that checks import from `grader` -> "module:NAME".
    """

    role: str
    port: int
    client: str = ""
    terms: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    rules: Rules = NO_RULES
    programs: Programs = Programs()
    sources: Mapping[str, Source] = {}
    reasons: Mapping[str, Reason] = {}
    by_hand: ByHand = nothing
    exports: Mapping[str, str] = {}


class Room(NamedTuple):
    """A system, the folder in which all about it lies, and the distribution that brought it ("" for our own)."""

    broker: Broker
    folder: Path
    distribution: str = ""
