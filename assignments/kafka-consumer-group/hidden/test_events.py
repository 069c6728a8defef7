"""Hidden checks that break nothing: null values, repeats, progress, and a table that is held still."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from grader import Evidence, blocked, check, fail, judge, msg
from grader.oracles import offsets
from grader.oracles.violation import listed
from grader.polling import DeadlineError, eventually, never
from grader.probes.kafka import Record

if TYPE_CHECKING:
    from conftest import ConsumerGroup, Event

    from grader.oracles.violation import Violation

TOPIC, GROUP, TABLE = "user-events", "user-service", "processed"
BEHIND_POISON_S = 45.0
SEQS = (5, 3, 3, 0, 1_000_000)
LAG_S = 30.0
SLACK_S = 15.0
HELD = 3
HOLD_S = 12.0  # twice the 5 s after which most clients commit by themselves
BLOCKED_S = 20.0
AFTER_HOLD_S = 75.0


@check("poison.null", needs="events.once")
def test_null_value_stops_no_partition(events: ConsumerGroup) -> None:
    """Un registro sin valor (null, un «tombstone») es un evento mal formado: no detiene su partición.

    A record without a value (null, a tombstone) is a malformed event: it does not stop its partition.
    """
    for partition in range(events.partitions()):
        events.send_raw(partition, events.ids.new("null-user"), None)
    behind = events.everywhere("behind", 2)
    events.produce(behind)
    events.disturbed()
    events.demand(behind, within=BEHIND_POISON_S, code="poison-blocks-partition")


@check("events.repeat", needs="events.once")
def test_a_repeat_leaves_the_row(events: ConsumerGroup) -> None:
    """Un evento cuyo eventId ya está en la tabla es una repetición: deja la fila como está y no detiene su partición.

    An event whose eventId is in the table already is a repeat: it leaves the row as it is and does not stop its
    partition.
    """
    first = events.everywhere("repeat")
    events.produce(first)
    events.demand(first, within=30)
    before = events.rows()
    events.kafka.produce(TOPIC, *(_repeat(e) for e in first))
    behind = events.everywhere("behind")
    events.produce(behind)
    events.disturbed()
    events.demand(behind, within=BEHIND_POISON_S, code="repeat-blocks")
    after = events.rows()
    changed = [e.id for e in first if after.get(e.id) != before[e.id]]
    if changed:
        fail(
            "repeat-changed-row",
            expected=msg("the row of an event that comes twice stays as the first one wrote it"),
            observed=msg(
                "changed: %(ids)s", ids=listed(f"{i}: seq {before[i].seq} → {_seq(after, i)}" for i in changed)
            ),
        )


@check("events.seq", needs="events.once")
def test_any_seq_is_an_event(events: ConsumerGroup) -> None:
    """Solo el eventId dice qué es una repetición: un evento con un eventId nuevo tiene su fila también si su seq es menor
    que el anterior de su usuario, o el mismo, o si faltan números en medio.

    The eventId alone says what is a repeat: an event with a new eventId has its row also if its seq is lower than the one
    before it of its user, or the same, or if numbers are missing in between.
    """
    sent = events.everywhere("seq", len(SEQS))
    for event in sent:
        event.seq = SEQS[event.seq - 1]
    events.produce(sent)
    events.disturbed()
    missing = events.wait_rows(sent, within=BEHIND_POISON_S)
    if missing:
        fail(
            "event-dropped-by-seq",
            expected=msg(
                "each event with a new eventId has its row; the seq of each user: %(seqs)s", seqs=listed(map(str, SEQS))
            ),
            observed=msg("without a row: %(ids)s", ids=listed(f"{e.id} (seq {e.seq})" for e in missing)),
            evidence=(events.progress(missing), *events.logs()),
        )


def _repeat(event: Event) -> Record:
    value = {"eventId": event.id, "userId": event.user, "seq": event.seq + 1, "duration_ms": 0}
    return Record(event.user.encode(), json.dumps(value).encode(), event.partition)


def _seq(rows: dict, event_id: str) -> str:  # type: ignore[type-arg]  # Row is the conftest's
    return str(rows[event_id].seq) if event_id in rows else "-"


@check("lag.zero", needs="events.once")
def test_lag_returns_to_zero(events: ConsumerGroup) -> None:
    """El grupo confirma en Kafka hasta dónde ha llegado: en 30 s como mucho desde el último evento, su lag es 0.

    The group commits in Kafka how far it has come: at most 30 s after the last event its lag is 0.
    """
    sent = events.everywhere("lag", 4, duration_ms=20)
    events.produce(sent)
    events.demand(sent, within=30)
    lag = events.wait_no_lag(within=LAG_S + SLACK_S)
    if lag:
        ends, committed = events.kafka.end_offsets(TOPIC), events.kafka.committed(GROUP, TOPIC)
        state = events.state()
        if state.protocol != "consumer" and state.state in {"Empty", "Dead"}:
            blocked("group.members")  # whoever is in another group commits there
        fail(
            "progress-not-committed",
            expected=msg("the lag of group user-service is 0 within %(n)s s", n=int(LAG_S)),
            observed=msg("it is %(n)s, although all events have their rows", n=lag),
            evidence=(
                Evidence(
                    title=msg("end of each partition, and the committed offset"),
                    lines=tuple(f"{TOPIC}-{p}: {end}  {committed.get(p, '-')}" for p, end in sorted(ends.items())),
                ),
            ),
        )


@check("commit.after-effect", needs="events.once")
def test_offset_is_committed_after_the_effect(events: ConsumerGroup) -> None:
    """El offset de un evento se confirma después de escribir su fila: mientras la tabla está bloqueada, lo confirmado no
    pasa de los eventos que ya tienen fila.

    An event's offset is committed after its row is written: while the table is locked, what is committed does not go
    beyond the events that have their row.
    """
    (marker,) = events.events("marker", 1, 0)
    events.produce([marker])
    events.demand([marker], within=30)
    events.disturbed()
    held = events.events("held", HELD, 0)
    passed: Violation | None = None
    with events.postgres.locked(TABLE):
        events.produce(held)
        # An event has been read, and its row waits for us: from here on only a commit can be wrong.
        with contextlib.suppress(DeadlineError):
            eventually(events.postgres.waiting, within=BLOCKED_S, every=0.1, what="a blocked INSERT")
        places = {e.id: (e.partition, e.offset) for e in held}  # none of them can have its row
        passed = never(lambda: offsets.passed(events.kafka.committed(GROUP, TOPIC), places, ()), for_=HOLD_S, every=0.3)
    judge(passed, evidence=events.logs())
    events.demand(held, within=AFTER_HOLD_S, code="event-lost")
