"""Hidden checks that only observe: persistence, prefetch, failing tasks, long tasks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from grader import check, fail, fail_on, msg
from grader.oracles import delivery, sharing
from grader.oracles.violation import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import TaskQueue

TASKS, RESULTS, DEAD = "tasks", "results", "tasks.dead"
DEAD_WITHIN_S = 15.0


@check("message.persistent")
def test_tasks_are_persistent(tasks: TaskQueue) -> None:
    """La API publica cada tarea como mensaje persistente (delivery mode 2); en una cola quorum ya lo es.

    The API publishes each task as a persistent message (delivery mode 2); in a quorum queue it is one anyway.
    """
    since = tasks.mark()
    ids = tasks.submit(*tasks.tasks("mode", 3, 100))
    _queued(tasks, ids, since)
    if tasks.rabbitmq.queues()[TASKS].type != "quorum":
        fail_on(delivery.transient(tasks.record(since), ids, TASKS))
    tasks.wait_reported(ids, within=30, since=since)


@check("results.persistent")
def test_results_are_persistent(tasks: TaskQueue) -> None:
    """Los resultados se publican persistentes, y también los mensajes muertos que llegan a «tasks.dead»; en una cola
    quorum ya lo son.

    Results are published persistent, and so are the dead letters that come to "tasks.dead"; in a quorum queue they are
    anyway.
    """
    since = tasks.mark()
    good = tasks.publish(*tasks.tasks("result", 3, 100))
    _reported(tasks, good, since)
    bad = tasks.publish(*tasks.tasks("dead", 1, 100, fail=True))
    if tasks.wait_dead(bad, within=DEAD_WITHIN_S, since=since):
        tasks.environment.dirty = True  # poison.fail judges that; it must not lie in the way of other checks
    history = tasks.history(since)
    types = {name: q.type for name, q in tasks.rabbitmq.queues().items()}
    for subjects, name in ((good, RESULTS), (bad, DEAD)):
        if types.get(name) != "quorum":
            fail_on(delivery.transient(history, subjects, name))


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
        tasks.environment.dirty = True
    fail_on(violation)
    tasks.wait_reported(subjects, within=45, since=since)


@check("api.fail")
def test_fail_arrives_through_the_api(tasks: TaskQueue) -> None:
    """Una tarea enviada a la API llega a la cola con todos sus campos: con "fail": true y con los que el contrato no
    nombra.

    A task sent to the API arrives in the queue with all of its fields: with "fail": true and with those that the
    contract does not name.
    """
    since = tasks.mark()
    (body,) = tasks.tasks("apifail", 1, 100, fail=True, note="ñ", attempt=1)
    # What becomes of a task that fails is another check's subject: no worker gets this one.
    with tasks.held() as held:
        (task,) = tasks.submit(body)
        _queued(tasks, [task], since)
        if not held.take(task, within=10):
            tasks.environment.dirty = True
    sent = next(e for e in tasks.history(since).about(task).of("published") if TASKS in e.data["queues"])
    arrived = sent.data.get("fields", {})
    if arrived.get("fail") is not True or any(arrived.get(name) != value for name, value in body.items()):
        fail(
            "fail-lost" if arrived.get("fail") is not True else "fields-lost",
            expected=msg("the message in queue tasks has the posted fields: %(body)s", body=_json(body)),
            observed=msg("the API published: %(body)s", body=sent.data.get("body", "")),
        )


@check("poison.fail")
def test_a_failing_task_is_put_aside(tasks: TaskQueue) -> None:
    """Una tarea con "fail": true no bloquea la cola ni se pierde: termina sin cambios en «tasks.dead», con los campos de
    más que traiga, en 15 s como mucho y tras 3 entregas como mucho entre todos los workers, y no se informa como hecha.

    A task with "fail": true neither blocks the queue nor is lost: it ends unchanged in "tasks.dead", with whatever
    further fields it has, within 15 s and after at most 3 deliveries to all workers together, and is not reported as
    done.
    """
    bodies = [_odd(body) for body in tasks.tasks("failing", 5, 100, fail=True)]
    since = tasks.mark()
    # Two alone: with a worker free at every moment, what one gives back is given to another, and a count that each
    # worker keeps to itself does not see it. Then the others, with good tasks behind them.
    first = tasks.publish(*bodies[:2])
    tasks.wait_dead(first, within=DEAD_WITHIN_S, since=since)
    tasks.publish(*bodies[2:])
    good = tasks.publish(*tasks.tasks("behind", 6, 100))
    tasks.judge_poison(bodies, good, since, done="failure-reported-done")


def _odd(body: dict[str, object]) -> bytes:
    """Write a task as a program would not: whoever parses it and writes it again changes its bytes."""
    more = {"note": "ñ \u2713", "tags": ["a", {"b": None}], "Fail": False}
    text = json.dumps({**more, **body}, ensure_ascii=False, indent=1)
    return text.replace("ñ", "\\u00F1", 1).encode()


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
        tasks.environment.dirty = True
        fail(
            "worked-twice",
            expected=msg("one delivery, one report"),
            observed=msg("delivered %(n)s times", n=count),
            evidence=tasks.environment.logs("worker"),
        )
    if missing:
        fail(
            "task-not-done",
            expected=msg("the task is reported in queue results"),
            observed=msg("no report within %(n)s s", n=45),
            evidence=tasks.environment.logs("worker"),
        )
    fail_on(delivery.repeated(history, [task], RESULTS))


def _reported(tasks: TaskQueue, ids: Iterable[str], since: float) -> None:
    missing = tasks.wait_reported(ids, within=30, since=since)
    if missing:
        fail(
            "task-not-done",
            expected=msg("the task is reported in queue results"),
            observed=msg("no report within %(n)s s", n=30),
            evidence=tasks.environment.logs("worker"),
        )


def _queued(tasks: TaskQueue, ids: list[str], since: float) -> None:
    missing = tasks.wait_queued(ids, since=since)
    if missing:
        fail(
            "accepted-but-lost",
            expected=msg("an accepted task is a message in queue tasks"),
            observed=msg("it is not there after %(n)s s: %(ids)s", n=20, ids=listed(sorted(missing))),
            evidence=tasks.environment.logs("api"),
        )


def _json(body: dict[str, object]) -> str:
    return json.dumps(body, ensure_ascii=False)
