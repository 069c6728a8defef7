"""Hidden checks that only observe: persistence, prefetch, failing tasks, long tasks."""

from __future__ import annotations

import json

from subject import DEAD, REPORT_S, RESULTS, TASKS, TERMS, TaskQueue, buried, reported

from grader import arrived, at_most, check, delivery, malformed, sharing

QUEUED_S = 20
LONG_S = 15
ROUNDS_S = 45


@check("message.persistent")
def test_tasks_are_persistent(tasks: TaskQueue) -> None:
    """La API publica cada tarea como mensaje persistente (delivery mode 2); en una cola quorum ya lo es.

    The API publishes each task as a persistent message (delivery mode 2); in a quorum queue it is one anyway.
    """
    since = tasks.mark()
    ids = tasks.submit(*tasks.bodies("mode", 3))
    tasks.expect(arrived(TASKS, *ids), within=QUEUED_S, otherwise="accepted-but-lost", since=since)
    if tasks.rabbitmq.queues()[TASKS].type != "quorum":
        tasks.fail_on(delivery.transient(tasks.record(since), ids, TASKS))
    tasks.wait(reported(*ids), REPORT_S, since=since)


@check("results.persistent")
def test_results_are_persistent(tasks: TaskQueue) -> None:
    """Los resultados se publican persistentes, y también los mensajes muertos que llegan a «tasks.dead»; en una cola
    quorum ya lo son.

    Results are published persistent, and so are the dead letters that come to "tasks.dead"; in a quorum queue they are
    anyway.
    """
    since = tasks.mark()
    good = tasks.send("result", 3)
    tasks.expect(reported(*good), within=REPORT_S, otherwise="task-not-done", since=since)
    bad = tasks.send("dead", 1, fail=True)
    # That it comes there at all is poison.fail's to judge; it must not lie in the way of other checks.
    tasks.dirty(tasks.wait(buried(*bad), TERMS.dead_within_s, since=since))
    history = tasks.history(since)
    types = {name: q.type for name, q in tasks.rabbitmq.queues().items()}
    for subjects, name in ((good, RESULTS), (bad, DEAD)):
        if types.get(name) != "quorum":
            tasks.fail_on(delivery.transient(history, subjects, name))


@check("prefetch.one", needs="task.done")
def test_a_worker_holds_one_task(tasks: TaskQueue) -> None:
    """Un worker tiene a la vez una sola tarea sin terminar (prefetch 1): con 3 workers y 10 tareas, 7 esperan en la cola.

    A worker holds one unfinished task at a time (prefetch 1): with 3 workers and 10 tasks, 7 wait in the queue.
    """
    since = tasks.mark()
    ids = tasks.send("hold", 10, 1500)
    # The sixth report ends the second round: each worker has taken tasks both from a full queue and one by one.
    tasks.wait(at_most(4, reported(*ids)), ROUNDS_S, since=since)
    violation = sharing.hoarding(tasks.record(since), ids, TASKS, RESULTS, most=1)
    tasks.dirty(violation)
    tasks.fail_on(violation)
    tasks.wait(reported(*ids), ROUNDS_S, since=since)


@check("api.fail")
def test_fail_arrives_through_the_api(tasks: TaskQueue) -> None:
    """Una tarea enviada a la API llega a la cola con todos sus campos: con "fail": true y con los que el contrato no
    nombra.

    A task sent to the API arrives in the queue with all of its fields: with "fail": true and with those that the
    contract does not name.
    """
    since = tasks.mark()
    (body,) = tasks.bodies("apifail", fail=True, note="ñ", attempt=1)
    # What becomes of a task that fails is another check's subject: no worker gets this one.
    with tasks.held(TASKS, refused="share.replicas") as held:
        (task,) = tasks.submit(body)
        tasks.expect(arrived(TASKS, task), within=QUEUED_S, otherwise="accepted-but-lost", since=since)
        tasks.dirty(not held.take(task, within=10))
    sent = delivery.first_arrival(tasks.history(since), TASKS, task)
    came = sent.data if sent else {}
    lost = [name for name, value in body.items() if came.get("fields", {}).get(name) != value]
    code = "fail-lost" if "fail" in lost else "fields-lost"
    tasks.forbid(lost, otherwise=code, sent=json.dumps(body, ensure_ascii=False), came=str(came.get("body", "")))


@check("poison.fail")
def test_a_failing_task_is_put_aside(tasks: TaskQueue) -> None:
    """Una tarea con "fail": true no bloquea la cola ni se pierde: termina sin cambios en «tasks.dead», con los campos de
    más que traiga, en 15 s como mucho y tras 3 entregas como mucho entre todos los workers, y no se informa como hecha.

    A task with "fail": true neither blocks the queue nor is lost: it ends unchanged in "tasks.dead", with whatever
    further fields it has, within 15 s and after at most 3 deliveries to all workers together, and is not reported as
    done.
    """
    bodies = [malformed.unusual(body) for body in tasks.bodies("failing", 5, Fail=False, fail=True)]
    since = tasks.mark()
    # Two alone: with a worker free at every moment, what one gives back is given to another, and a count that each
    # worker keeps to itself does not see it. Then the others, with good tasks behind them.
    first = tasks.rabbitmq.publish(TASKS, *bodies[:2])
    tasks.wait(buried(*first), TERMS.dead_within_s, since=since)
    tasks.rabbitmq.publish(TASKS, *bodies[2:])
    tasks.judge_bad(bodies, tasks.send("behind", 6), since, done="failure-reported-done")


@check("heartbeat.long-task", needs="task.done")
def test_a_long_task_is_worked_once(tasks: TaskQueue) -> None:
    """Una tarea de 15 s se entrega, se hace y se informa una sola vez: mientras trabaja, el worker sigue atendiendo los
    heartbeats de su conexión.

    A task of 15 s is delivered, worked and reported once: while it works, the worker keeps up its connection's
    heartbeats.
    """
    since = tasks.mark()
    (task,) = tasks.send("long", 1, LONG_S * 1000)
    within = LONG_S + REPORT_S
    missing = tasks.wait(reported(task), within, since=since)
    history = tasks.record(since)
    count = delivery.deliveries(history, task, aside=(DEAD,))
    tasks.forbid([task] if count > 1 else [], otherwise="worked-twice", n=count)
    tasks.forbid(missing, otherwise="task-not-done", within=int(within))
    tasks.fail_on(delivery.repeated(history, [task], RESULTS))
