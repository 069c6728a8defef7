"""Hidden checks that break something: a processor, the database, the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subject import PROCESSED_S, TERMS

from grader import blocked, check, offsets, pause

if TYPE_CHECKING:
    from hidden.conftest import SlowInWork
    from subject import ConsumerGroup, Processed

    from grader import MemberDeath, Replay

LEAVES_S = TERMS.stop_within_s + 5.0  # what a loaded machine may add
RELEASED_S = 45.0
AWAY_S = 8.0
LATE_S = 10.0


@check("commit.slow-fast", needs="group.members")
def test_fast_events_do_not_commit_a_slow_one(work: SlowInWork, death: MemberDeath, group: ConsumerGroup) -> None:
    """Lo confirmado nunca pasa de un evento sin terminar: ni cuando uno lento tiene detrás otros rápidos en su
    partición. Si su procesador muere entonces, otro termina el lento.

    What is committed never goes beyond an unfinished event, not when a slow one has fast ones behind it in its
    partition either. If its processor dies then, another one finishes the slow one.
    """
    places = {work.slow.id: (work.slow.partition, work.slow.offset)}
    group.fail_on(offsets.passed(work.committed, places, work.rows), code="committed-past-unfinished")
    in_partition = [work.slow, *work.fast]
    lost = [e for e in death.lost if e in in_partition]
    group.none_missing(lost, len(in_partition), TERMS.takeover_s, "event-lost")


@check("kill.no-loss", needs="group.members")
def test_nothing_is_lost_with_a_processor(work: SlowInWork, death: MemberDeath, group: ConsumerGroup) -> None:
    """Cuando un procesador muere (SIGKILL) con eventos a medias o leídos, otro los procesa: todos tienen su fila.

    When a processor dies (SIGKILL) with events in work or read already, another one processes them: all get their row.
    """
    lost = [e for e in death.lost if e in work.stream]
    group.none_missing(lost, len(work.stream), TERMS.takeover_s, "event-lost")


@check("rebalance.kill", needs="group.members")
def test_others_take_over(death: MemberDeath, group: ConsumerGroup) -> None:
    """En 60 s como mucho desde la muerte de un miembro, los demás procesan los eventos de sus particiones; cuando
    vuelve, recibe particiones otra vez.

    Within 60 s after the death of a member the others process the events of its partitions; when it comes back, it gets
    partitions again.
    """
    group.none_missing(death.not_taken, len(death.after), TERMS.takeover_s, "partitions-not-taken-over")
    if not death.returned:
        group.fail("member-not-back", group.assigned(), name=death.killed, within=int(TERMS.takeover_s))


@check("rebalance.term", needs="group.members")
def test_a_stopped_member_gives_its_partitions_up(events: ConsumerGroup) -> None:
    """Un miembro que recibe SIGTERM (docker stop) suelta sus particiones en esos 10 s: no hay que esperar a que venza su
    sesión.

    A member that gets SIGTERM (docker stop) gives its partitions up within those 10 s: nobody has to wait for its
    session to end.
    """
    _, name = events.owner("stopping", PROCESSED_S, last=True)
    events.disturbed()
    events.faults.settle()
    left, deadline = events.left(name), events.now() + LEAVES_S
    with events.faults.stopped(name, grace_s=TERMS.stop_within_s):
        stays = events.wait(left, max(5.0, deadline - events.now()), every=0.2)
        members = events.assigned()
        after = events.send("stopped")
        missing = events.undone(after, RELEASED_S)
        events.wait_settled(events.members() - 1, but=name)
    if stays:
        events.fail("partitions-not-released/still-member", members, name=name, within=int(TERMS.stop_within_s))
    events.none_missing(missing, len(after), RELEASED_S, "partitions-not-released")


@check("sink.away", needs="group.members")
def test_nothing_is_lost_without_a_database(events: ConsumerGroup) -> None:
    """Mientras la base de datos falta (8 s, en medio del trabajo) ningún evento se da por hecho: cuando vuelve, todos
    tienen su fila en 75 s como mucho.

    While the database is down (8 s, while work is going on) no event passes for done: once it is back, all have their
    row within 75 s.
    """
    events.disturbed()
    stream = events.send("away", 8, duration_ms=200)
    events.demand(stream[:1], PROCESSED_S)
    with events.faults.stopped("db", ready=events.postgres.ready):
        more = events.send("meanwhile", 3)
        pause(AWAY_S)  # the absence is the fault itself
    events.demand([*stream, *more], TERMS.recovery_s, "event-lost")


@check("replay.before-group", needs="group.members")
def test_events_before_the_group(replay: Replay[Processed], group: ConsumerGroup) -> None:
    """Lo que se envió antes de que existiera el grupo se procesa también: un grupo nuevo empieza por el principio.

    What was sent before the group existed is processed too: a new group begins at the beginning.
    """
    total, within = len(replay.before_group), TERMS.recovery_s
    group.none_missing(replay.stuck, total, within, "event-not-processed")
    group.none_missing(replay.missed, total, within, "events-before-group-missed")


@check("replay.reset", needs=("group.members", "lag.zero", "events.repeat"))
def test_a_replay_changes_nothing(replay: Replay[Processed], group: ConsumerGroup) -> None:
    """Si el grupo lee todo el topic otra vez desde el principio, la tabla queda como estaba.

    If the group reads the whole topic again from the beginning, the table stays as it was.
    """
    group.forbid(replay.changed, otherwise="replay-changed-rows")
    group.forbid(group.unasked(replay.after.keys() - replay.before.keys()), otherwise="replay-changed-rows/unasked")
    if replay.stuck:
        blocked("replay.before-group")  # the group stands where it stood there: it has not read everything again
    if replay.lag:
        group.fail("progress-not-committed/after-replay", lag=replay.lag)


@check("broker.restart", needs="group.members")
def test_processors_return_after_a_broker_restart(events: ConsumerGroup) -> None:
    """Tras un reinicio del broker los tres procesadores vuelven al trabajo en 75 s como mucho.

    After a broker restart the three processors are back at work within 75 s.
    """
    events.disturbed()
    before = events.send("before", 4, duration_ms=300)
    events.faults.restart("kafka", ready=events.kafka.ready)
    events.judge_recovered(before, undone="not-recovered/rows", members="not-recovered/members")


@check("start.late-broker", needs="group.members")
def test_processors_wait_for_a_late_broker(events: ConsumerGroup) -> None:
    """Los procesadores arrancan aunque el broker llegue 10 s tarde: en 75 s como mucho desde que responde, trabajan.

    The processors start although the broker comes up 10 s late: within 75 s after it answers, they work.
    """
    events.start_before_broker(LATE_S)
    events.judge_recovered([], undone="no-patience-with-kafka/rows", members="no-patience-with-kafka/members")


@check("order.users", needs="group.members")
def test_events_of_a_user_keep_their_order(work: SlowInWork, group: ConsumerGroup) -> None:
    """Los eventos de un usuario se procesan en su orden: ninguno tiene fila antes que los anteriores de ese usuario en la
    partición.

    The events of a user are processed in their order: none has its row before those of that user that precede it in the
    partition.
    """
    early = [e.id for e in work.fast if e.id in work.rows]
    if work.slow.id not in work.rows:
        group.forbid(early, otherwise="order-broken/before-slow", slow=work.slow.id)
