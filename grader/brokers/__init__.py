"""The systems that a submission may contain, one room each: all that the grader knows about one lies in its room.

A room is a package in here, or one of another distribution that its entry point in the group `grader.brokers` names;
it declares one value `BROKER` (`broker.py`). Which rooms there are, only the registry knows.
"""

from __future__ import annotations

from grader.brokers.broker import Broker, Programs, Room
from grader.brokers.by_hand import ByHand, commands
from grader.brokers.client import Client, Failure, Refusal
from grader.brokers.registry import (
    client,
    clients,
    exported,
    is_evidence,
    is_unseen,
    probe,
    rooms,
    sources,
)
from grader.brokers.rules import Refused, Replacement, Rules, Variables
from grader.brokers.seen import Remark, Seen
from grader.brokers.source import Kind, Source
from grader.brokers.store import Store
from grader.model.reasons import Reason

__all__ = [
    "Broker", "ByHand", "Client", "Failure", "Kind", "Programs", "Reason", "Refusal", "Refused", "Remark",
    "Replacement", "Room", "Rules", "Seen", "Source", "Store", "Variables",
    "client", "clients", "commands", "exported", "is_evidence", "is_unseen", "probe", "rooms", "sources",
]  # fmt: skip
