"""The checks that students have too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subject import BEHIND_POISON_S, REPLICAS, TOPIC

from grader import check, group, holds, malformed

if TYPE_CHECKING:
    from subject import ConsumerGroup

USERS, EACH = 20, 6
ONCE_S = 45
WRONG = {"eventId": 7, "userId": 7, "seq": "mucho", "duration_ms": "mucho"}  # of another type


@check("topic.partitions")
def test_topic_has_partitions(group: ConsumerGroup) -> None:
    """El topic «user-events» existe a los 90 s del arranque como mucho y tiene al menos 3 particiones.

    Topic "user-events" exists within 90 s of the start and has at least 3 partitions.
    """
    count = group.wait_topic()
    if count < REPLICAS:
        group.fail("too-few-partitions", wanted=REPLICAS, n=count)


@check("events.once")
def test_every_event_has_its_row(events: ConsumerGroup) -> None:
    """Cada evento del topic «user-events» está una vez en la tabla «processed» de la base de datos «app», con su
    eventId, su userId y su seq; «processed_by» contiene el hostname del contenedor que lo procesó.

    Each event of topic "user-events" is once in table "processed" of database "app", with its eventId, its userId and
    its seq; "processed_by" contains the hostname of the container that processed it.
    """
    users = [events.events("once", EACH, n % events.known, duration_ms=10) for n in range(USERS)]
    sent = events.produce([event for step in zip(*users, strict=True) for event in step])
    events.demand(sent, ONCE_S)
    rows = events.effects()
    wrong = [e.id for e in sent if (rows[e.id].user_id, rows[e.id].seq) != (e.key, e.fields["seq"])]
    events.forbid([f"{i}: {rows[i]}" for i in wrong], otherwise="row-wrong")
    unclear = [f"{e.id}: {rows[e.id]}" for e in sent if not events.worker(rows[e.id])]
    events.forbid(unclear, otherwise="processor-unnamed", names=sorted(events.hostnames().values()))
    events.forbid([*events.unasked(rows), *events.table.doubled()], otherwise="row-wrong/unasked")


@check("group.members", needs=("topic.partitions", "events.once"))
def test_three_members_share_the_partitions(events: ConsumerGroup) -> None:
    """Las tres réplicas de «processor» son miembros del grupo «user-service»: cada partición la tiene una sola, ninguna
    partición queda sin dueño y las tres procesan eventos.

    The three replicas of "processor" are members of group "user-service": each partition belongs to one of them, no
    partition is without an owner, and all three process events.
    """
    events.wait_settled(REPLICAS)
    state = events.state()
    members = events.assigned(state)
    covered = group.uncovered(state, TOPIC, range(events.known), containers=REPLICAS)
    events.fail_on(covered, evidence=(members, events.groups()))
    if state.protocol != "consumer" and state.state != group.STABLE:
        events.fail("partitions-unowned/state", members, state=state.state or "-")
    busy: set[str] = set()

    def all_busy() -> bool:
        # Right after a rebalance an event may still be worked by the partition's owner before.
        busy.update(events.owners("share", within=20).values())
        return len(busy) >= REPLICAS

    if events.wait(holds(all_busy), 30):
        events.fail("events-not-shared/idle", members, wanted=REPLICAS, names=sorted(busy))


@check("poison.malformed", needs="events.once")
def test_malformed_event_stops_no_partition(events: ConsumerGroup) -> None:
    """Un evento mal formado (no es UTF-8, no es JSON, no es un objeto, le faltan campos o son de otro tipo) no detiene
    su partición: los eventos que vienen detrás se procesan, y él no aparece en la tabla. Un campo escrito con otras
    mayúsculas («EventID») es otro campo, y el del contrato falta.

    A malformed event (not UTF-8, not JSON, no object, fields missing or of another type) does not stop its partition:
    the events behind it are processed, and it does not appear in the table. A field that is spelled in another case
    ("EventID") is another field, and the one of the contract is missing.
    """
    half = malformed.incomplete(lambda: events.events("half", 1, 0)[0].fields, WRONG)
    events.send_malformed("bad-user", *malformed.unreadable(events.ids.new("bad")), *(body for _, body in half))
    behind = events.send("behind", 2)
    events.disturbed()
    events.demand(behind, BEHIND_POISON_S, "poison-blocks-partition")
    events.forbid(sorted(events.effects().keys() - events.sent.keys()), otherwise="malformed-stored")
