"""Hidden checks that break something: a worker, the broker, the way to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader import check, fail, judge, msg
from grader.oracles import delivery
from grader.oracles.violation import listed
from grader.polling import DeadlineError

if TYPE_CHECKING:
    from conftest import TaskQueue
    from hidden.conftest import Outage

TASKS, RESULTS, DEAD = "tasks", "results", "tasks.dead"
RECOVERY_S = 60
GRACE_S = 10


@check("ack.after-work", needs="task.done")
def test_task_of_a_killed_worker_is_redelivered(tasks: TaskQueue) -> None:
    """Una tarea se confirma (ack) después de hacerla: si su worker muere a medias, otro la recibe y la termina.

    A task is acknowledged after its work: if its worker dies halfway, another one gets it and finishes it.
    """
    tasks.disturbed()
    tasks.faults.settle()
    since = tasks.mark()
    task, holder, duration = _held(tasks)
    with tasks.faults.killed(holder):
        missing = tasks.wait_reported([task], within=duration + 25, since=since)
    if missing:
        fail(
            "acked-before-work",
            expected=msg("the task goes back to the queue and another worker reports it"),
            observed=msg("%(worker)s died with it, and nobody else got it: the broker had forgotten it", worker=holder),
        )
    others = {e.actor for e in tasks.record(since).about(task).of("delivered", queue=TASKS)} - {holder}
    if not others:
        fail(
            "reported-before-work",
            expected=msg("the task is reported after its work, by the worker that finishes it"),
            observed=msg("it was reported although its worker was killed halfway: %(worker)s", worker=holder),
        )


def _held(tasks: TaskQueue) -> tuple[str, str, float]:
    """Have a worker hold a task that it has not finished; return the task, the worker and the task's seconds.

    A machine so slow that the task is finished before we are there gets a longer one.
    """
    for duration in (4.0, 15.0):
        sent = tasks.now()
        (task,) = tasks.publish(*tasks.tasks("slow", 1, int(duration * 1000)))
        holder = tasks.wait_delivered(task).actor
        # A short task done meanwhile shows that an acknowledgement sent at once would have arrived.
        tasks.wait_reported(tasks.publish(*tasks.tasks("beside", 1, 300)), within=20, since=sent)
        if tasks.now() - sent < duration * 0.75:
            break
    return task, holder, duration


@check("restart.tasks", needs="task.done")
def test_tasks_survive_a_broker_restart(restarted: Outage, queue: TaskQueue) -> None:
    """Las tareas aceptadas siguen ahí después de reiniciar el broker: cada una se informa o espera en la cola.

    Accepted tasks are still there after a broker restart: each is reported or waits in the queue.
    """
    judge(
        delivery.lost(queue.history(restarted.began), restarted.tasks, RESULTS, still_waiting=restarted.waiting),
        evidence=queue.world.logs("rabbitmq")[:1],
    )


@check("restart.results", needs="task.done")
def test_results_survive_a_broker_restart(restarted: Outage, queue: TaskQueue) -> None:
    """Los resultados y los mensajes muertos siguen en sus colas después de reiniciar el broker.

    Results and dead letters are still in their queues after a broker restart.
    """
    _kept(restarted, queue)


def _kept(outage: Outage, queue: TaskQueue) -> None:
    for name, wanted in ((RESULTS, outage.results), (DEAD, outage.dead)):
        try:
            queue.recorder.wait_for(
                lambda _h, n=name, w=wanted: set(w) <= outage.lying_in(queue, n), within=10, what=name
            )
        except DeadlineError:
            gone = sorted(set(wanted) - outage.lying_in(queue, name))
            fail(
                "message-lost",
                expected=msg("what lay in %(queue)s before the restart lies there after it", queue=name),
                observed=msg("gone: %(ids)s", ids=listed(gone)),
            )


@check("recover.restart", needs="task.done")
def test_api_and_workers_return(restarted: Outage, queue: TaskQueue) -> None:
    """Tras un reinicio del broker, la API vuelve a aceptar tareas y los tres workers a hacerlas, en 60 s como mucho.

    After a broker restart the API accepts tasks again and the three workers do them, within 60 s.
    """
    _recovered(restarted, queue, "not-recovered")


def _recovered(outage: Outage, queue: TaskQueue, code: str) -> None:
    if not outage.api_back:
        fail(
            code,
            expected=msg("POST /tasks answers 202 within %(n)s s after the broker answers", n=RECOVERY_S),
            observed=msg("it never did"),
            evidence=queue.world.logs("api"),
        )
    if len(outage.workers_back) < queue.replicas():
        fail(
            code,
            expected=msg(
                "%(n)s workers do tasks within %(s)s s after the broker answers", n=queue.replicas(), s=RECOVERY_S
            ),
            observed=msg("these did: %(names)s", names=listed(sorted(outage.workers_back)) or "-"),
            evidence=queue.world.logs("worker"),
        )


@check("recreate.tasks", needs="task.done")
def test_tasks_survive_down_and_up(recreated: Outage, queue: TaskQueue) -> None:
    """Tareas, resultados y mensajes muertos sobreviven a docker compose down y docker compose up: el broker tiene un
    volumen con nombre y siempre el mismo nombre de nodo.

    Tasks, results and dead letters survive docker compose down and docker compose up: the broker has a named volume
    and always the same node name.
    """
    judge(
        delivery.lost(queue.history(recreated.began), recreated.tasks, RESULTS, still_waiting=recreated.waiting),
        evidence=queue.world.logs("rabbitmq")[:1],
    )
    _kept(recreated, queue)


@check("start.late-broker", needs="task.done")
def test_services_wait_for_a_late_broker(recreated: Outage, queue: TaskQueue) -> None:
    """API y workers arrancan aunque el broker llegue 10 s tarde: en 60 s como mucho desde que responde, trabajan.

    API and workers start although the broker comes up 10 s late: within 60 s after it answers, they work.
    """
    _recovered(recreated, queue, "no-patience-with-broker")


@check("stop.graceful", needs="ack.after-work")
def test_a_worker_stops_gracefully(tasks: TaskQueue) -> None:
    """Al recibir SIGTERM, un worker termina su tarea de 3 s o la devuelve a la cola y acaba en 10 s como mucho: la tarea
    se informa una vez y no va a «tasks.dead».

    On SIGTERM a worker finishes its task of 3 s or returns it to the queue, and ends within 10 s: the task is reported
    once and does not go to "tasks.dead".
    """
    tasks.disturbed()
    tasks.faults.settle()
    since = tasks.mark()
    (task,) = tasks.publish(*tasks.tasks("stopping", 1, 3000))
    holder = tasks.wait_delivered(task).actor
    with tasks.faults.stopped(holder, grace_s=GRACE_S) as stopped:
        missing = tasks.wait_reported([task], within=30, since=since)
    history = tasks.record(since)
    logs = tasks.world.logs("worker")
    if task in delivery.arrivals(history, DEAD):
        fail(
            "stopped-task-dead-lettered",
            expected=msg("a worker that is stopped finishes its task or returns it to the queue"),
            observed=msg("the task went to tasks.dead"),
            evidence=logs,
        )
    if missing:
        fail(
            "task-never-returned",
            expected=msg("the task is reported by the worker that stops or by another one"),
            observed=msg("nobody reported it within %(n)s s", n=30),
            evidence=logs,
        )
    judge(delivery.repeated(history, [task], RESULTS))
    if stopped.exit_code == 137:
        fail(
            "stop-ignored",
            expected=msg("the process ends by itself within %(n)s s after SIGTERM", n=GRACE_S),
            observed=msg("it went on and had to be killed (exit code 137)"),
            evidence=logs,
        )


@check("api.confirms", needs=("task.done", "recover.restart"))
def test_accepted_means_stored(tasks: TaskQueue) -> None:
    """La API responde 202 solo cuando el broker ha confirmado el mensaje (publisher confirms): lo aceptado no se pierde
    aunque el broker muera en ese momento.

    The API answers 202 only when the broker has confirmed the message (publisher confirms): what was accepted is not
    lost even if the broker dies at that moment.
    """
    tasks.disturbed()
    since = tasks.now()
    bodies = tasks.tasks("accepted", 3, 100)
    # The broker stops reading from publishers, as it does when memory runs low; then it dies.
    tasks.rabbitmq.ctl("set_vm_memory_high_watermark", "0.00001")
    accepted = [b["id"] for b in bodies if tasks.post(b, within=2.0).accepted]
    with tasks.faults.killed("rabbitmq", ready=tasks.rabbitmq.ready):
        pass
    tasks.firehose.wait_tracing()
    missing = tasks.wait_reported(accepted, within=RECOVERY_S, since=since)
    if missing:
        waiting = tasks.waiting()
        judge(delivery.lost(tasks.history(since), accepted, RESULTS, still_waiting=waiting), code="accepted-but-lost")
    tasks.world.dirty = True
