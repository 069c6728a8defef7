"""The checks that students have too."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from grader import KAFKA_ERRORS, Evidence, check, fail, judge, msg
from grader.oracles import group as oracle
from grader.oracles.violation import listed
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from conftest import ConsumerGroup, Row

TOPIC = "user-events"
REPLICAS = 3
USERS, EACH = 20, 6
BEHIND_POISON_S = 45.0
SPELLED = {"eventId": "EventID", "userId": "userid", "seq": "Seq", "duration_ms": "Duration_MS"}


@check("topic.partitions")
def test_topic_has_partitions(group: ConsumerGroup) -> None:
    """El topic «user-events» existe a los 90 s del arranque como mucho y tiene al menos 3 particiones.

    Topic "user-events" exists within 90 s of the start and has at least 3 partitions.
    """
    count = group.wait_topic()
    if count < REPLICAS:
        fail(
            "too-few-partitions",
            expected=msg("topic user-events has at least %(n)s partitions", n=REPLICAS),
            observed=msg("it has %(n)s", n=count),
        )


@check("events.once")
def test_every_event_has_its_row(events: ConsumerGroup) -> None:
    """Cada evento del topic «user-events» está una vez en la tabla «processed» de la base de datos «app», con su
    eventId, su userId y su seq; «processed_by» contiene el hostname del contenedor que lo procesó.

    Each event of topic "user-events" is once in table "processed" of database "app", with its eventId, its userId and
    its seq; "processed_by" contains the hostname of the container that processed it.
    """
    count = events.partitions()
    users = [events.events("once", EACH, n % count, duration_ms=10) for n in range(USERS)]
    sent = [event for step in zip(*users, strict=True) for event in step]
    events.produce(sent)
    events.demand(sent, within=45)
    rows = events.rows()
    wrong = [f"{e.id}: {_shown(rows[e.id])}" for e in sent if (rows[e.id].user, rows[e.id].seq) != (e.user, e.seq)]
    if wrong:
        fail(
            "row-wrong",
            expected=msg("user_id and seq are those of the event"),
            observed=msg("other values: %(rows)s", rows=listed(wrong)),
        )
    unclear = [f"{e.id}: {_shown(rows[e.id])}" for e in sent if not events.container(rows[e.id].processed_by)]
    if unclear:
        fail(
            "processor-unnamed",
            expected=msg(
                "processed_by contains the hostname of one container: %(names)s",
                names=", ".join(sorted(events.hostnames().values())),
            ),
            observed=msg("it does not: %(rows)s", rows=listed(unclear)),
        )


@check("group.members", needs=("topic.partitions", "events.once"))
def test_three_members_share_the_partitions(events: ConsumerGroup) -> None:
    """Las tres réplicas de «processor» son miembros del grupo «user-service»: cada partición la tiene una sola, ninguna
    partición queda sin dueño y las tres procesan eventos.

    The three replicas of "processor" are members of group "user-service": each partition belongs to one of them, no
    partition is without an owner, and all three process events.
    """
    events.wait_settled(REPLICAS)
    state = events.state()
    evidence = (events.table(state), *events.logs())
    judge(
        oracle.uncovered(state, TOPIC, range(events.partitions()), containers=REPLICAS),
        evidence=(*evidence, _groups(events)),
    )
    if state.protocol != "consumer" and state.state != oracle.STABLE:
        fail(
            "partitions-unowned",
            expected=msg("the group is Stable, and each partition belongs to one member"),
            observed=msg("its state is %(state)s", state=state.state or "-"),
            evidence=evidence,
        )
    busy: set[str] = set()

    def all_busy() -> bool:
        # Right after a rebalance an event may still be worked by the partition's owner before.
        busy.update(events.owners("share", within=20).values())
        return len(busy) >= REPLICAS

    with contextlib.suppress(DeadlineError):
        eventually(all_busy, within=30, every=0.5, what="three processors")
    if len(busy) < REPLICAS:
        fail(
            "events-not-shared",
            expected=msg("each of the %(n)s replicas processes events", n=REPLICAS),
            observed=msg("these did: %(names)s", names=", ".join(sorted(busy)) or "-"),
            evidence=evidence,
        )


@check("poison.malformed", needs="events.once")
def test_malformed_event_stops_no_partition(events: ConsumerGroup) -> None:
    """Un evento mal formado (no es UTF-8, no es JSON, no es un objeto, le faltan campos o son de otro tipo) no detiene
    su partición: los eventos que vienen detrás se procesan, y él no aparece en la tabla. Un campo escrito con otras
    mayúsculas («EventID») es otro campo, y el del contrato falta.

    A malformed event (not UTF-8, not JSON, no object, fields missing or of another type) does not stop its partition:
    the events behind it are processed, and it does not appear in the table. A field that is spelled in another case
    ("EventID") is another field, and the one of the contract is missing.
    """
    user, half, wordy = events.ids.new("bad-user"), events.ids.new("half"), events.ids.new("wordy")
    cased = {events.ids.new("case"): field for field in SPELLED}
    values = [
        b"\xff\xfe" + user.encode(),
        b"{" + user.encode(),
        b"null",
        b"42",
        b"[]",
        {"userId": user, "seq": 1, "duration_ms": 0},
        {"eventId": 7, "userId": user, "seq": 1, "duration_ms": 0},
        {"eventId": half, "userId": user, "seq": 1},
        {"eventId": wordy, "userId": user, "seq": "mucho", "duration_ms": 0},
        *(_spelled(event_id, user, field) for event_id, field in cased.items()),
    ]
    for partition in range(events.partitions()):
        events.send_raw(partition, f"{user}-{partition}", *values)
    _judge_behind(events)
    stored = {half, wordy, *cased} & events.rows().keys()
    if stored:
        fail(
            "malformed-stored",
            expected=msg("what is malformed has no row"),
            observed=msg("there is a row for: %(ids)s", ids=listed(sorted(stored))),
        )


def _spelled(event_id: str, user: str, field: str) -> dict[str, str | int]:
    """Return an event but for one field, whose name is written in another case."""
    event: dict[str, str | int] = {"eventId": event_id, "userId": user, "seq": 1, "duration_ms": 0}
    return {SPELLED[name] if name == field else name: value for name, value in event.items()}


def _judge_behind(events: ConsumerGroup) -> None:
    behind = events.everywhere("behind", 2)
    events.produce(behind)
    events.disturbed()
    events.demand(behind, within=BEHIND_POISON_S, code="poison-blocks-partition")


def _groups(events: ConsumerGroup) -> Evidence:
    """Return the names of all groups: one of another name is a common mistake."""
    try:
        names = events.kafka.groups()
    except KAFKA_ERRORS:
        names = ()
    return Evidence(title=msg("the broker's groups"), lines=names)


def _shown(row: Row) -> str:
    return f"user_id={row.user!r}, seq={row.seq!r}, processed_by={row.processed_by!r}"
