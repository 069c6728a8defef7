"""Hidden checks that break nothing: null values, repeats, progress, and a table that is held still."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subject import BEHIND_POISON_S, GROUP, PROCESSED_S, TABLE, TERMS, TOPIC

from grader import blocked, check, holds, never, offsets

if TYPE_CHECKING:
    from subject import ConsumerGroup

SEQS = (5, 3, 3, 0, 1_000_000)
HELD = 3
HOLD_S = 12.0  # twice the 5 s after which most clients commit by themselves
BLOCKED_S = 20.0
AFTER_HOLD_S = 75.0


@check("poison.null", needs="events.once")
def test_null_value_stops_no_partition(events: ConsumerGroup) -> None:
    """Un registro sin valor (null, un «tombstone») es un evento mal formado: no detiene su partición.

    A record without a value (null, a tombstone) is a malformed event: it does not stop its partition.
    """
    events.send_malformed("null-user", None)
    events.disturbed()
    events.demand(events.send("behind", 2), BEHIND_POISON_S, "poison-blocks-partition")


@check("events.repeat", needs="events.once")
def test_a_repeat_leaves_the_row(events: ConsumerGroup) -> None:
    """Un evento cuyo eventId ya está en la tabla es una repetición: deja la fila como está y no detiene su partición.

    An event whose eventId is in the table already is a repeat: it leaves the row as it is and does not stop its
    partition.
    """
    first = events.send("repeat")
    events.demand(first, PROCESSED_S)
    before = events.effects()
    events.kafka.produce(TOPIC, *(e.record(seq=e.fields["seq"] + 1) for e in first))
    events.disturbed()
    events.demand(events.send("behind"), BEHIND_POISON_S, "repeat-blocks")
    after = events.effects()
    changed = [f"{e.id}: {before[e.id]} → {after.get(e.id, '-')}" for e in first if after.get(e.id) != before[e.id]]
    events.forbid(changed, otherwise="repeat-changed-row")
    events.forbid(events.unasked(after.keys() - before.keys()), otherwise="repeat-changed-row/unasked")


@check("events.seq", needs="events.once")
def test_any_seq_is_an_event(events: ConsumerGroup) -> None:
    """Solo el eventId dice qué es una repetición: un evento con un eventId nuevo tiene su fila también si su seq es menor
    que el anterior de su usuario, o el mismo, o si faltan números en medio.

    The eventId alone says what is a repeat: an event with a new eventId has its row also if its seq is lower than the one
    before it of its user, or the same, or if numbers are missing in between.
    """
    sent = events.everywhere("seq", len(SEQS))
    for event in sent:
        event.fields["seq"] = SEQS[event.fields["seq"] - 1]
    events.produce(sent)
    events.disturbed()
    missing = events.undone(sent, BEHIND_POISON_S)
    lines = [f"{e.id} (seq {e.fields['seq']})" for e in missing]
    progress = events.progress((e.partition, e.offset) for e in missing)
    events.forbid(lines, progress, otherwise="event-dropped-by-seq", seqs=map(str, SEQS))


@check("lag.zero", needs="events.once")
def test_lag_returns_to_zero(events: ConsumerGroup) -> None:
    """El grupo confirma en Kafka hasta dónde ha llegado: en 30 s como mucho desde el último evento, su lag es 0.

    The group commits in Kafka how far it has come: at most 30 s after the last event its lag is 0.
    """
    events.demand(events.send("lag", 4, duration_ms=20), PROCESSED_S)
    lag = events.lag()
    if lag:
        state = events.state()
        if state.protocol != "consumer" and state.state in {"Empty", "Dead"}:
            blocked("group.members")  # whoever is in another group commits there
        ends = events.progress(events.kafka.end_offsets(TOPIC).items())
        events.fail("progress-not-committed", ends, lag=lag, within=int(TERMS.lag_s))


@check("commit.after-effect", needs="events.once")
def test_offset_is_committed_after_the_effect(events: ConsumerGroup) -> None:
    """El offset de un evento se confirma después de escribir su fila: mientras la tabla está bloqueada, lo confirmado no
    pasa de los eventos que ya tienen fila.

    An event's offset is committed after its row is written: while the table is locked, what is committed does not go
    beyond the events that have their row.
    """
    events.demand(events.produce(events.events("marker", 1, 0)), PROCESSED_S)
    events.disturbed()
    held = events.events("held", HELD, 0)
    with events.postgres.locked(TABLE):
        events.produce(held)
        # An event has been read, and its row waits for us: from here on only a commit can be wrong.
        events.expect(
            holds(events.postgres.waiting), within=BLOCKED_S, otherwise="event-not-processed/nothing-waits", every=0.1
        )
        places = {e.id: (e.partition, e.offset) for e in held}  # none of them can have its row
        passed = never(lambda: offsets.passed(events.kafka.committed(GROUP, TOPIC), places, ()), for_=HOLD_S, every=0.3)
    events.fail_on(passed)
    events.demand(held, AFTER_HOLD_S, "event-lost")
