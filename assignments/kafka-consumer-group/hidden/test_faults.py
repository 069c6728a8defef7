"""Hidden checks that break something: a processor, the database, the broker."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from grader import blocked, check, fail, fail_on, msg
from grader.oracles import offsets
from grader.oracles.violation import listed
from grader.polling import DeadlineError, eventually, pause

if TYPE_CHECKING:
    from conftest import ConsumerGroup
    from hidden.conftest import Death, Replay

TOPIC, GROUP, SERVICE = "user-events", "user-service", "processor"
TAKEOVER_S = 60
RECOVERY_S = 75
GRACE_S = 10
SLACK_S = 15.0
RELEASED_S = 45.0
AWAY_S = 8.0
LATE_S = 10.0


@check("commit.slow-fast", needs="group.members")
def test_fast_events_do_not_commit_a_slow_one(death: Death, group: ConsumerGroup) -> None:
    """Lo confirmado nunca pasa de un evento sin terminar: ni cuando uno lento tiene detrás otros rápidos en su
    partición. Si su procesador muere entonces, otro termina el lento.

    What is committed never goes beyond an unfinished event, not when a slow one has fast ones behind it in its
    partition either. If its processor dies then, another one finishes the slow one.
    """
    slow = death.slow
    fail_on(
        offsets.passed(death.committed, {slow.id: (slow.partition, slow.offset)}, death.rows),
        code="committed-past-unfinished",
        evidence=group.logs(),
    )
    lost = [e for e in death.lost if e.id == slow.id or e in death.fast]
    if lost:
        group.fail_missing(lost, 1 + len(death.fast), TAKEOVER_S, "event-lost")


@check("kill.no-loss", needs="group.members")
def test_nothing_is_lost_with_a_processor(death: Death, group: ConsumerGroup) -> None:
    """Cuando un procesador muere (SIGKILL) con eventos a medias o leídos, otro los procesa: todos tienen su fila.

    When a processor dies (SIGKILL) with events in work or read already, another one processes them: all get their row.
    """
    lost = [e for e in death.lost if e in death.stream]
    if lost:
        group.fail_missing(lost, len(death.stream), TAKEOVER_S, "event-lost")


@check("rebalance.kill", needs="group.members")
def test_others_take_over(death: Death, group: ConsumerGroup) -> None:
    """En 60 s como mucho desde la muerte de un miembro, los demás procesan los eventos de sus particiones; cuando
    vuelve, recibe particiones otra vez.

    Within 60 s after the death of a member the others process the events of its partitions; when it comes back, it gets
    partitions again.
    """
    if death.not_taken:
        group.fail_missing(death.not_taken, len(death.after), TAKEOVER_S, "partitions-not-taken-over")
    if not death.returned:
        fail(
            "member-not-back",
            expected=msg("%(name)s processes events again after it was started again", name=death.killed),
            observed=msg("it did not within %(n)s s", n=TAKEOVER_S),
            evidence=(group.table(group.state()), *group.logs()),
        )


@check("rebalance.term", needs="group.members")
def test_a_stopped_member_gives_its_partitions_up(events: ConsumerGroup) -> None:
    """Un miembro que recibe SIGTERM (docker stop) suelta sus particiones en esos 10 s: no hay que esperar a que venza su
    sesión.

    A member that gets SIGTERM (docker stop) gives its partitions up within those 10 s: nobody has to wait for its
    session to end.
    """
    holders = events.owners("stopping", within=30)
    name = holders.get(max(holders, default=0), f"{SERVICE}-1")
    events.disturbed()
    events.faults.settle()
    mine = {m.id for m in events.state().members if m.actor == name}
    began = events.now()
    with events.faults.stopped(name, grace_s=GRACE_S):
        gone = True
        try:
            eventually(
                lambda: (now := events.state()).state and not mine & {m.id for m in now.members},
                within=max(5.0, began + GRACE_S + SLACK_S / 3 - events.now()),
                every=0.2,
                what=name,
            )
        except DeadlineError:
            gone = False
        state = events.state()
        after = events.everywhere("stopped")
        events.produce(after)
        missing = events.wait_rows(after, within=RELEASED_S)
        events.wait_settled(events.replicas() - 1, but=name)
    if not gone:
        fail(
            "partitions-not-released",
            expected=msg("%(name)s leaves the group within %(n)s s after SIGTERM", name=name, n=GRACE_S),
            observed=msg("the group still counts on it: its partitions wait until its session ends"),
            evidence=(events.table(state), *events.logs()),
        )
    if missing:
        events.fail_missing(missing, len(after), RELEASED_S, "partitions-not-released")


@check("sink.away", needs="group.members")
def test_nothing_is_lost_without_a_database(events: ConsumerGroup) -> None:
    """Mientras la base de datos falta (8 s, en medio del trabajo) ningún evento se da por hecho: cuando vuelve, todos
    tienen su fila en 75 s como mucho.

    While the database is down (8 s, while work is going on) no event passes for done: once it is back, all have their
    row within 75 s.
    """
    events.disturbed()
    stream = events.everywhere("away", 8, duration_ms=200)
    events.produce(stream)
    events.demand(stream[:1], within=30)
    with events.faults.stopped("db", ready=events.postgres.ready):
        more = events.everywhere("meanwhile", 3)
        events.produce(more)
        pause(AWAY_S)  # the absence is the fault itself
    events.demand([*stream, *more], within=RECOVERY_S, code="event-lost")


@check("replay.before-group", needs="group.members")
def test_events_before_the_group(replay: Replay, group: ConsumerGroup) -> None:
    """Lo que se envió antes de que existiera el grupo se procesa también: un grupo nuevo empieza por el principio.

    What was sent before the group existed is processed too: a new group begins at the beginning.
    """
    if replay.stuck:
        group.fail_missing(replay.stuck, len(replay.before_group), RECOVERY_S, "event-not-processed")
    if replay.missed:
        group.fail_missing(replay.missed, len(replay.before_group), RECOVERY_S, "events-before-group-missed")


@check("replay.reset", needs=("group.members", "lag.zero", "events.repeat"))
def test_a_replay_changes_nothing(replay: Replay) -> None:
    """Si el grupo lee todo el topic otra vez desde el principio, la tabla queda como estaba.

    If the group reads the whole topic again from the beginning, the table stays as it was.
    """
    if replay.changed:
        fail(
            "replay-changed-rows",
            expected=msg("rows that were there before the replay stay as they were"),
            observed=msg("%(n)s changed or gone: %(ids)s", n=len(replay.changed), ids=listed(replay.changed)),
        )
    if replay.stuck:
        blocked("replay.before-group")  # the group stands where it stood there: it has not read everything again
    if replay.lag:
        fail(
            "progress-not-committed",
            expected=msg("the group gets to the end of the topic again"),
            observed=msg("its lag is still %(n)s", n=replay.lag),
        )


@check("broker.restart", needs="group.members")
def test_processors_return_after_a_broker_restart(events: ConsumerGroup) -> None:
    """Tras un reinicio del broker los tres procesadores vuelven al trabajo en 75 s como mucho.

    After a broker restart the three processors are back at work within 75 s.
    """
    events.disturbed()
    before = events.everywhere("before", 4, duration_ms=300)
    events.produce(before)
    events.faults.restart("kafka", ready=events.kafka.ready)
    _recovered(events, before, "not-recovered")


@check("start.late-broker", needs="group.members")
def test_processors_wait_for_a_late_broker(events: ConsumerGroup) -> None:
    """Los procesadores arrancan aunque el broker llegue 10 s tarde: en 75 s como mucho desde que responde, trabajan.

    The processors start although the broker comes up 10 s late: within 75 s after it answers, they work.
    """
    events.stop_all()
    with events.faults.stopped("kafka", grace_s=60):
        events.faults.start(SERVICE)
        pause(LATE_S)  # the lateness is the fault itself
    with contextlib.suppress(DeadlineError):
        eventually(events.kafka.ready, within=60, every=0.2, what="kafka")
    _recovered(events, [], "no-patience-with-kafka")


def _recovered(events: ConsumerGroup, waiting: list, code: str) -> None:  # type: ignore[type-arg]  # Event is the conftest's
    """Judge that all that waits is processed, and by three processors again."""
    began = events.now()
    events.wait_topic_again(within=RECOVERY_S)
    after = events.everywhere("recovered")
    events.produce(after)
    missing = events.wait_rows([*waiting, *after], within=RECOVERY_S)
    if missing:
        events.fail_missing(missing, len(waiting) + len(after), RECOVERY_S, code)
    if events.wait_settled(events.replicas(), within=max(20.0, began + RECOVERY_S - events.now())):
        return
    fail(
        code,
        expected=msg(
            "%(n)s processors are in the group within %(s)s s after the broker answers",
            n=events.replicas(),
            s=RECOVERY_S,
        ),
        observed=msg("these are: %(names)s", names=", ".join(events.containers()) or "-"),
        evidence=events.logs(),
    )


@check("order.users", needs="group.members")
def test_events_of_a_user_keep_their_order(death: Death) -> None:
    """Los eventos de un usuario se procesan en su orden: ninguno tiene fila antes que los anteriores de ese usuario en la
    partición.

    The events of a user are processed in their order: none has its row before those of that user that precede it in the
    partition.
    """
    early = [e.id for e in death.fast if e.id in death.rows]
    if early and death.slow.id not in death.rows:
        fail(
            "order-broken",
            expected=msg("while %(id)s is in work, those behind it wait", id=death.slow.id),
            observed=msg("these had their row already: %(ids)s", ids=listed(early)),
        )
