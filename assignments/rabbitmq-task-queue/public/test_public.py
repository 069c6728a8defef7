"""The checks that students have too."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from grader import Evidence, check, fail, fail_on, msg
from grader.oracles import delivery, sharing
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from conftest import TaskQueue

TASKS, RESULTS, DEAD = "tasks", "results", "tasks.dead"


@check("task.done")
def test_task_is_done_and_reported(tasks: TaskQueue) -> None:
    """Una tarea enviada con POST /tasks se responde con 202, se procesa durante su duration_ms y después se informa
    en la cola «results» como {id, worker}, donde «worker» es el nombre del contenedor que la hizo.

    A task sent with POST /tasks is answered with 202, worked for its duration_ms and then reported in queue "results"
    as {id, worker}, where "worker" names the container that did it.
    """
    (body,) = tasks.tasks("first", 1, 1000)
    sent = tasks.now()
    tasks.submit(body)
    missing = tasks.wait_reported([body["id"]], within=30)
    if missing:
        fail(
            "task-not-done",
            expected=msg("the task is reported in queue results"),
            observed=msg("no report within %(n)s s", n=30),
            evidence=tasks.environment.logs("worker"),
        )
    history = tasks.history().about(body["id"])
    workers = sharing.workers_of(history, [body["id"]], RESULTS)
    if not workers:
        report = delivery.first_arrival(history, RESULTS, body["id"])
        fail(
            "report-incomplete",
            expected=msg("the report is {id, worker}, worker a text that names the replica"),
            observed=msg("the report was: %(body)s", body=str(report.data.get("body")) if report else "-"),
        )
    fail_on(delivery.too_early(history, {body["id"]: 1.0}, sent, RESULTS))


@check("queue.durable")
def test_queues_are_durable(queue: TaskQueue) -> None:
    """Las colas «tasks», «results» y «tasks.dead» existen en el virtual host «/», son durables, y ni ellas ni sus
    mensajes caducan.

    The queues "tasks", "results" and "tasks.dead" exist in virtual host "/", are durable, and neither they nor their
    messages expire.
    """
    wanted = (TASKS, RESULTS, DEAD)
    within = max(20.0, queue.environment.session.assignment.limits.ready_s - queue.now())
    with contextlib.suppress(DeadlineError):
        eventually(
            lambda: set(wanted) <= queue.rabbitmq.queues().keys() or queue.environment.gone_for_good("api", "worker"),
            within=within,
            every=0.5,
            what="the three queues",
        )
    found = queue.rabbitmq.queues()
    table = Evidence(
        title=msg("rabbitmqctl list_queues"),
        lines=tuple(
            f"{q.name}  durable={q.durable}  exclusive={q.exclusive}  auto_delete={q.auto_delete}  type={q.type}"
            + "".join(f"  {name}={ms}" for name, ms in q.expiry_ms.items())
            for q in found.values()
            if not q.name.startswith("amq.gen")
        ),
    )
    missing = [name for name in wanted if name not in found]
    if missing:
        fail(
            "queue-missing",
            expected=msg("the queues tasks, results and tasks.dead exist in virtual host /"),
            observed=msg("missing: %(names)s", names=", ".join(missing)),
            evidence=(table,),
        )
    passing = [n for n in wanted if not found[n].durable or found[n].exclusive or found[n].auto_delete]
    if passing:
        fail(
            "queue-not-durable",
            expected=msg("the three queues are durable, not exclusive, not auto-delete"),
            observed=msg("they vanish with the broker or their client: %(names)s", names=", ".join(passing)),
            evidence=(table,),
        )
    expiring = [f"{n} ({what}: {ms} ms)" for n in wanted for what, ms in found[n].expiry_ms.items()]
    if expiring:
        fail(
            "queue-expires",
            expected=msg("a message waits in the three queues for as long as it takes"),
            observed=msg("these forget by themselves: %(names)s", names=", ".join(expiring)),
            evidence=(table,),
        )


@check("share.replicas")
def test_three_replicas_share_the_work(tasks: TaskQueue) -> None:
    """Tres réplicas de «worker» consumen de la misma cola: cada tarea la hace una sola de ellas y las tres trabajan.

    Three replicas of "worker" consume from the same queue: each task is done by one of them, and all three work.
    """
    since = tasks.mark()
    subjects = tasks.publish(*tasks.tasks("share", 30, 200))
    missing = tasks.wait_reported(subjects, within=60, since=since)
    history = tasks.record(since)
    fail_on(delivery.lost(history, subjects, RESULTS) if missing else None, code="task-not-done")
    fail_on(sharing.unshared(history, subjects, RESULTS, replicas=3), evidence=tasks.environment.logs("worker"))


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
    nonce = tasks.ids.new("bad")
    poisons = [
        b"\xff\xfe" + nonce.encode(),
        b"{" + nonce.encode(),
        json.dumps([nonce]).encode(),
        b"null",
        b"42",
        json.dumps({"id": tasks.ids.new("noduration")}).encode(),
        json.dumps({"id": tasks.ids.new("badduration"), "duration_ms": "much"}).encode(),
        json.dumps({"id": 7, "duration_ms": 100}).encode(),
        json.dumps({"id": tasks.ids.new("othername"), "Duration_MS": 100}).encode(),
        json.dumps({"ID": tasks.ids.new("othername"), "duration_ms": 100}).encode(),
    ]
    since = tasks.mark()
    tasks.publish(*poisons)
    good = tasks.publish(*tasks.tasks("behind", 6, 100), *tasks.tasks("more", 2, 100, FAIL=True, note={"a": [1]}))
    tasks.judge_poison(poisons, good, since, done="malformed-taken-for-task")
