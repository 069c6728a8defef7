"""The checks that students have too."""

from __future__ import annotations

from subject import DEAD, DECLARERS, REPLICAS, REPORT_S, RESULTS, TASKS, TaskQueue, reported

from grader import check, delivery, malformed, sharing

SHARED_S = 60


@check("task.done")
def test_task_is_done_and_reported(tasks: TaskQueue) -> None:
    """Una tarea enviada con POST /tasks se responde con 202, se procesa durante su duration_ms y después se informa
    en la cola «results» como {id, worker}, donde «worker» es el nombre del contenedor que la hizo.

    A task sent with POST /tasks is answered with 202, worked for its duration_ms and then reported in queue "results"
    as {id, worker}, where "worker" names the container that did it.
    """
    (body,) = tasks.bodies("first", ms=1000)
    sent = tasks.now()
    (task,) = tasks.submit(body)
    tasks.expect(reported(task), within=REPORT_S, otherwise="task-not-done")
    history = tasks.history()
    if not sharing.workers_of(history, [task], RESULTS):
        report = delivery.first_arrival(history, RESULTS, task)
        tasks.fail("report-incomplete", body=str(report.data.get("body")) if report else "-")
    tasks.fail_on(delivery.too_early(history, {task: 1.0}, sent, RESULTS))


@check("queue.durable")
def test_queues_are_durable(queue: TaskQueue) -> None:
    """Las colas «tasks», «results» y «tasks.dead» existen en el virtual host «/», son durables, y ni ellas ni sus
    mensajes caducan.

    The queues "tasks", "results" and "tasks.dead" exist in virtual host "/", are durable, and neither they nor their
    messages expire.
    """
    wanted = (TASKS, RESULTS, DEAD)
    found, table = queue.listed(queue.patience(0), *wanted, by=DECLARERS)
    queue.forbid([n for n in wanted if n not in found], table, otherwise="queue-missing")
    queue.forbid([n for n in wanted if not found[n].lasting], table, otherwise="queue-not-durable")
    expiring = [f"{n} ({what}: {ms} ms)" for n in wanted for what, ms in found[n].expiry_ms.items()]
    queue.forbid(expiring, table, otherwise="queue-expires")


@check("share.replicas")
def test_three_replicas_share_the_work(tasks: TaskQueue) -> None:
    """Tres réplicas de «worker» consumen de la misma cola: cada tarea la hace una sola de ellas y las tres trabajan.

    Three replicas of "worker" consume from the same queue: each task is done by one of them, and all three work.
    """
    since = tasks.mark()
    ids = tasks.send("share", 30, 200)
    missing = tasks.wait(reported(*ids), SHARED_S, since=since)
    history = tasks.record(since)
    tasks.fail_on(delivery.lost(history, ids, RESULTS) if missing else None, code="task-not-done")
    tasks.fail_on(sharing.unshared(history, ids, RESULTS, replicas=REPLICAS))
    unasked = delivery.unasked(history, RESULTS, asked=tasks.ids.given, nonce=tasks.ids.nonce)
    tasks.forbid(unasked, otherwise="reported-twice/unasked")


@check("poison.malformed")
def test_malformed_message_stops_nobody(tasks: TaskQueue) -> None:
    """Un mensaje mal formado (no es UTF-8, no es JSON, no es un objeto, le faltan campos o son de otro tipo; los nombres
    de los campos son exactamente los del contrato) no detiene a ningún worker: las tareas que vienen detrás se hacen,
    también las que traen otros campos, y él termina sin cambios en «tasks.dead», en 15 s como mucho y tras 3 entregas como
    mucho.

    A malformed message (not UTF-8, not JSON, no object, fields missing or of another type; the names of fields are
    exactly those of the contract) stops no worker: the tasks behind it are done, also those with other fields beside,
    and it ends unchanged in "tasks.dead" within 15 s and after at most 3 deliveries.
    """
    wrong = {"id": 7, "duration_ms": "much"}
    bodies = malformed.bodies(tasks.ids.new("bad"), lambda: tasks.bodies("half")[0], wrong)
    since = tasks.mark()
    tasks.rabbitmq.publish(TASKS, *bodies)
    good = (*tasks.send("behind", 6), *tasks.send("more", 2, FAIL=True, note={"a": [1]}))
    tasks.judge_bad(bodies, good, since, done="malformed-taken-for-task")
