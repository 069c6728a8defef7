"""The systems that a submission may contain, one room each: all that the grader knows about one lies in its room.

A room is a package in here, or one of another distribution that its entry point in the group `grader.brokers` names;
it declares one value `BROKER` (`broker.py`). Which rooms there are, only the registry knows.
"""

from __future__ import annotations

from grader.brokers.broker import Broker
from grader.brokers.by_hand import commands
from grader.brokers.client import Client, Failure, Refusal
from grader.brokers.registry import (
    Room,
    client,
    clients,
    exported,
    is_evidence,
    is_unseen,
    probe,
    rooms,
    sources,
)
from grader.brokers.source import Kind, Source

__all__ = [
    "Broker",
    "Client",
    "Failure",
    "Kind",
    "Refusal",
    "Room",
    "Source",
    "client",
    "clients",
    "commands",
    "exported",
    "is_evidence",
    "is_unseen",
    "probe",
    "rooms",
    "sources",
]
