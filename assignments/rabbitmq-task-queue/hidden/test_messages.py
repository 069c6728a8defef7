"""Hidden checks that only observe: persistence, prefetch, failing tasks, long tasks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from grader import check, fail, judge, msg
from grader.oracles import delivery, sharing
from grader.probes.amqp_bodies import digest, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import TaskQueue

TASKS, RESULTS, DEAD = "tasks", "results", "tasks.dead"


@check("message.persistent", needs="task.done")
def test_tasks_are_persistent(tasks: TaskQueue) -> None:
    """La API publica cada tarea como mensaje persistente (delivery mode 2); en una cola quorum ya lo es.

    The API publishes each task as a persistent message (delivery mode 2); in a quorum queue it is one anyway.
    """
    since = tasks.mark()
    ids = tasks.submit(*tasks.tasks("mode", 3, 100))
    _reported(tasks, ids, since)
    if tasks.rabbitmq.queues()[TASKS].type != "quorum":
        judge(delivery.transient(tasks.record(since), ids, TASKS))


@check("results.persistent", needs="task.done")
def test_results_are_persistent(tasks: TaskQueue) -> None:
    """Los resultados y los mensajes muertos se publican persistentes; en una cola quorum ya lo son.

    Results and dead letters are published persistent; in a quorum queue they are anyway.
    """
    since = tasks.mark()
    good = tasks.publish(*tasks.tasks("result", 3, 100))
    bad = tasks.publish(*tasks.tasks("dead", 1, 100, fail=True))
    _reported(tasks, good, since)
    if tasks.wait_dead(bad, within=30, since=since):
        _not_dead(tasks)
    types = {name: q.type for name, q in tasks.rabbitmq.queues().items()}
    for subjects, name in ((good, RESULTS), (bad, DEAD)):
        if types.get(name) != "quorum":
            judge(delivery.transient(tasks.record(since), subjects, name))


@check("prefetch.one", needs="task.done")
def test_a_worker_holds_one_task(tasks: TaskQueue) -> None:
    """Un worker tiene a la vez una sola tarea sin terminar (prefetch 1): con 3 workers y 10 tareas, 7 esperan en la cola.

    A worker holds one unfinished task at a time (prefetch 1): with 3 workers and 10 tasks, 7 wait in the queue.
    """
    since = tasks.mark()
    subjects = tasks.publish(*tasks.tasks("hold", 10, 1500))
    # The sixth report ends the second round: each worker has taken tasks both from a full queue and one by one.
    tasks.recorder.wait_for(
        lambda h: len(set(subjects) & delivery.arrivals(h, RESULTS).keys()) >= 6, within=45, what="reports", since=since
    )
    violation = sharing.hoarding(tasks.record(since), subjects, TASKS, RESULTS, most=1)
    if violation:
        tasks.world.dirty = True
    judge(violation)
    tasks.wait_reported(subjects, within=45, since=since)


@check("api.fail", needs="task.done")
def test_fail_arrives_through_the_api(tasks: TaskQueue) -> None:
    """Una tarea enviada a la API con "fail": true llega así a la cola y termina en «tasks.dead».

    A task sent to the API with "fail": true arrives like that in the queue and ends in "tasks.dead".
    """
    since = tasks.mark()
    (body,) = tasks.tasks("apifail", 1, 100, fail=True)
    (task,) = tasks.submit(body)
    missing = tasks.wait_dead([task], within=30, since=since)
    sent = next((e for e in tasks.history(since).about(task).of("published") if TASKS in e.data["queues"]), None)
    arrived = sent.data.get("body", "") if sent else ""
    if sent and sent.data.get("fields", {}).get("fail") is not True:
        fail(
            "fail-lost",
            expected=msg("the message in queue tasks has the posted fields: %(body)s", body=json.dumps(body)),
            observed=msg("the API published: %(body)s", body=arrived),
        )
    if missing:
        _not_dead(tasks)


@check("poison.fail", needs="task.done")
def test_a_failing_task_is_put_aside(tasks: TaskQueue) -> None:
    """Una tarea con "fail": true no bloquea la cola ni se pierde: termina sin cambios en «tasks.dead», en 15 s como mucho
    y tras 3 entregas como mucho, y no se informa como hecha.

    A task with "fail": true neither blocks the queue nor is lost: it ends unchanged in "tasks.dead" within 15 s and
    after at most 3 deliveries, and is not reported as done.
    """
    bodies = [json.dumps(b).encode() for b in tasks.tasks("failing", 3, 100, fail=True)]
    since = tasks.mark()
    tasks.publish(*bodies)
    good = tasks.publish(*tasks.tasks("behind", 6, 100))
    poisons = {subject_of(b): digest(b) for b in bodies}
    tasks.judge_poison(poisons, good, since)
    done = set(poisons) & delivery.arrivals(tasks.history(since), RESULTS).keys()
    if done:
        fail(
            "failure-reported-done",
            expected=msg("a task that fails is not reported in queue results"),
            observed=msg("reported: %(ids)s", ids=", ".join(sorted(done))),
        )


@check("heartbeat.long-task", needs="task.done")
def test_a_long_task_is_worked_once(tasks: TaskQueue) -> None:
    """Una tarea de 15 s se entrega, se hace y se informa una sola vez: mientras trabaja, el worker sigue atendiendo los
    heartbeats de su conexión.

    A task of 15 s is delivered, worked and reported once: while it works, the worker keeps up its connection's
    heartbeats.
    """
    since = tasks.mark()
    (task,) = tasks.publish(*tasks.tasks("long", 1, 15_000))
    missing = tasks.wait_reported([task], within=15 + 30, since=since)
    history = tasks.record(since)
    count = delivery.deliveries(history, task, aside=(DEAD,))
    if count > 1:
        tasks.world.dirty = True
        fail(
            "worked-twice",
            expected=msg("one delivery, one report"),
            observed=msg("delivered %(n)s times", n=count),
            evidence=tasks.world.logs("worker"),
        )
    if missing:
        fail(
            "task-not-done",
            expected=msg("the task is reported in queue results"),
            observed=msg("no report within %(n)s s", n=45),
            evidence=tasks.world.logs("worker"),
        )
    judge(delivery.repeated(history, [task], RESULTS))


def _reported(tasks: TaskQueue, ids: Iterable[str], since: float) -> None:
    missing = tasks.wait_reported(ids, within=30, since=since)
    if missing:
        fail(
            "task-not-done",
            expected=msg("the task is reported in queue results"),
            observed=msg("no report within %(n)s s", n=30),
            evidence=tasks.world.logs("worker"),
        )


def _not_dead(tasks: TaskQueue) -> NoReturn:
    fail(
        "poison-lost",
        expected=msg("the task ends in tasks.dead within %(n)s s", n=15),
        observed=msg("it is not there after %(n)s s", n=30),
        evidence=tasks.world.logs("worker"),
    )
