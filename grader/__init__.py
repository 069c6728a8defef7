"""The author's API, all of what a check imports. Everything is loaded on first use, so that `--help` stays quick."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from grader._version import __version__

if TYPE_CHECKING:
    from grader.authoring import malformed as malformed
    from grader.authoring.conditions import Condition as Condition
    from grader.authoring.conditions import arrived as arrived
    from grader.authoring.conditions import at_most as at_most
    from grader.authoring.conditions import delivered as delivered
    from grader.authoring.conditions import either as either
    from grader.authoring.conditions import holds as holds
    from grader.authoring.contract import Contract as Contract
    from grader.authoring.contract import contract as contract
    from grader.authoring.crowd import at_once as at_once
    from grader.authoring.environment import Environment as Environment
    from grader.authoring.groups import GroupSubject as GroupSubject
    from grader.authoring.queues import QueueOutage as QueueOutage
    from grader.authoring.queues import QueueSubject as QueueSubject
    from grader.authoring.subject import Subject as Subject
    from grader.authoring.verdicts import blocked as blocked
    from grader.authoring.verdicts import check as check
    from grader.authoring.verdicts import fail as fail
    from grader.errors import CheckFailure as CheckFailure
    from grader.errors import GraderError as GraderError
    from grader.model.history import Event as Event
    from grader.model.history import History as History
    from grader.model.outcome import Evidence as Evidence
    from grader.model.stores import Statement as Statement
    from grader.model.text import msg as msg
    from grader.oracles import caching as caching
    from grader.oracles import delivery as delivery
    from grader.oracles import group as group
    from grader.oracles import offsets as offsets
    from grader.oracles import sharing as sharing
    from grader.oracles.violation import Violation as Violation
    from grader.polling import Deadline as Deadline
    from grader.polling import DeadlineError as DeadlineError
    from grader.polling import eventually as eventually
    from grader.polling import never as never
    from grader.polling import pause as pause
    from grader.polling import quiet_for as quiet_for
    from grader.probes.amqp_bodies import digest as digest
    from grader.probes.amqp_bodies import shown as shown
    from grader.probes.amqp_bodies import subject_of as subject_of
    from grader.probes.held import Held as Held
    from grader.probes.http import HTTP as HTTP
    from grader.probes.http import Answer as Answer
    from grader.probes.kafka import KAFKA_ERRORS as KAFKA_ERRORS
    from grader.probes.kafka import Record as Record
    from grader.probes.postgres import POSTGRES_ERRORS as POSTGRES_ERRORS
    from grader.probes.postgres import SCHEMA_ERRORS as SCHEMA_ERRORS
    from grader.probes.rabbitmq import BROKER_ERRORS as BROKER_ERRORS
    from grader.probes.rabbitmq import QueueMissingError as QueueMissingError

_HOMES = {
    "grader.authoring": ("malformed",),
    "grader.authoring.conditions": ("Condition", "arrived", "at_most", "delivered", "either", "holds"),
    "grader.authoring.contract": ("Contract", "contract"),
    "grader.authoring.crowd": ("at_once",),
    "grader.authoring.groups": ("GroupSubject",),
    "grader.authoring.queues": ("QueueOutage", "QueueSubject"),
    "grader.authoring.subject": ("Subject",),
    "grader.authoring.verdicts": ("blocked", "check", "fail"),
    "grader.authoring.environment": ("Environment",),
    "grader.errors": ("CheckFailure", "GraderError"),
    "grader.model.history": ("Event", "History"),
    "grader.model.outcome": ("Evidence",),
    "grader.model.stores": ("Statement",),
    "grader.model.text": ("msg",),
    "grader.oracles": ("caching", "delivery", "group", "offsets", "sharing"),
    "grader.oracles.violation": ("Violation",),
    "grader.polling": ("Deadline", "DeadlineError", "eventually", "never", "pause", "quiet_for"),
    "grader.probes.amqp_bodies": ("digest", "shown", "subject_of"),
    "grader.probes.held": ("Held",),
    "grader.probes.http": ("HTTP", "Answer"),
    "grader.probes.kafka": ("KAFKA_ERRORS", "Record"),
    "grader.probes.postgres": ("POSTGRES_ERRORS", "SCHEMA_ERRORS"),
    "grader.probes.rabbitmq": ("BROKER_ERRORS", "QueueMissingError"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - names all the same


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(name)
    module = importlib.import_module(home)
    return getattr(module, name) if hasattr(module, name) else importlib.import_module(f"{home}.{name}")
