"""Hidden checks that break something: a worker, the broker, the way to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from grader import blocked, check, fail, fail_on, msg
from grader.errors import GraderError
from grader.oracles import delivery
from grader.oracles.violation import listed
from grader.polling import DeadlineError

if TYPE_CHECKING:
    from conftest import TaskQueue
    from hidden.conftest import Outage

TASKS, RESULTS, DEAD = "tasks", "results", "tasks.dead"
REPLICAS = 3
RECOVERY_S = 60
GRACE_S = 10


@check("ack.after-work", needs="task.done")
def test_task_of_a_killed_worker_is_redelivered(tasks: TaskQueue) -> None:
    """Una tarea se confirma (ack) después de hacerla: si su worker muere a medias, otro la recibe y la termina; no va a
    «tasks.dead» por eso.

    A task is acknowledged after its work: if its worker dies halfway, another one gets it and finishes it; it does not
    go to "tasks.dead" because of that.
    """
    tasks.disturbed()
    tasks.faults.settle()
    since = tasks.mark()
    task, holder, duration = _held(tasks)
    with tasks.faults.killed(holder):
        missing = tasks.wait_reported([task], within=duration + 25, since=since)
    if missing:
        _not_taken_over(tasks, task, holder)
    others = {e.actor for e in tasks.record(since).about(task).of("delivered", queue=TASKS)} - {holder}
    if not others:
        fail(
            "reported-before-work",
            expected=msg("the task is reported after its work, by the worker that finishes it"),
            observed=msg("it was reported although its worker was killed halfway: %(worker)s", worker=holder),
        )


def _not_taken_over(tasks: TaskQueue, task: str, holder: str) -> NoReturn:
    expected = msg("the task goes back to the queue and another worker reports it")
    if task in delivery.arrivals(tasks.history(), DEAD):
        fail(
            "redelivered-task-dead-lettered",
            expected=expected,
            observed=msg("%(worker)s died with it, and it went to tasks.dead", worker=holder),
            evidence=tasks.environment.logs("worker"),
        )
    if task in tasks.waiting():  # it was not forgotten: there is only nobody who would take it
        if tasks.able < REPLICAS:
            blocked("share.replicas")
        fail(
            "task-not-done",
            expected=expected,
            observed=msg("%(worker)s died with it, and it waits in the queue: nobody takes it", worker=holder),
            evidence=tasks.environment.logs("worker"),
        )
    fail(
        "acked-before-work",
        expected=expected,
        observed=msg("%(worker)s died with it, and nobody else got it: the broker had forgotten it", worker=holder),
    )


def _held(tasks: TaskQueue) -> tuple[str, str, float]:
    """Have a worker hold a task that it has not finished; return the task, the worker and the task's seconds.

    A machine so slow that the task is finished before we are there gets a longer one. Raises GraderError when that one
    is finished too: nobody would die with a task in their hands.
    """
    for duration in (4.0, 15.0):
        sent = tasks.now()
        (task,) = tasks.publish(*tasks.tasks("slow", 1, int(duration * 1000)))
        holder = tasks.wait_delivered(task).actor
        # A short task done meanwhile shows that an acknowledgement sent at once would have arrived.
        tasks.wait_reported(tasks.publish(*tasks.tasks("beside", 1, 300)), within=20, since=sent)
        if tasks.now() - sent < duration * 0.75:
            return task, holder, duration
    if tasks.able < REPLICAS:  # a single worker does the short one behind the long one
        blocked("share.replicas")
    raise GraderError(
        msg("a task of %(n)s s was finished before its worker could be killed", n=int(duration)),
        remedy=msg("Grade this submission again on a machine with less to do."),
    )


@check("restart.tasks")
def test_tasks_survive_a_broker_restart(restarted: Outage, queue: TaskQueue) -> None:
    """Las tareas persistentes que esperan en la cola siguen ahí después de reiniciar el broker: cada una se informa o
    espera todavía.

    Persistent tasks that wait in the queue are still there after a broker restart: each is reported or still waits.
    """
    if TASKS not in restarted.durable:
        blocked("queue.durable")
    _kept_tasks(restarted, queue)


def _kept_tasks(outage: Outage, queue: TaskQueue) -> None:
    history = queue.history(outage.began)
    # A task that was put aside was not lost: that it was is for ack.after-work to say.
    there = outage.waiting | delivery.arrivals(history, DEAD).keys()
    lost = delivery.lost(history, outage.tasks, RESULTS, still_waiting=there)
    if lost and "ack.after-work" in queue.environment.failed:
        blocked("ack.after-work")  # the broker may have kept them for a worker that lost them
    fail_on(lost, evidence=queue.environment.logs("rabbitmq")[:1])


@check("restart.results")
def test_results_survive_a_broker_restart(restarted: Outage, queue: TaskQueue) -> None:
    """Los resultados y los mensajes muertos persistentes siguen en sus colas después de reiniciar el broker.

    Persistent results and dead letters are still in their queues after a broker restart.
    """
    if not restarted.durable & {RESULTS, DEAD}:
        blocked("queue.durable")
    _kept_letters(restarted, queue)


def _kept_letters(outage: Outage, queue: TaskQueue) -> None:
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


@check("recover.restart")
def test_api_and_workers_return(restarted: Outage, queue: TaskQueue) -> None:
    """Tras un reinicio del broker, la API vuelve a aceptar tareas y los tres workers a hacerlas, en 60 s como mucho, y
    cada uno tiene otra vez una sola sin terminar.

    After a broker restart the API accepts tasks again and the three workers do them, within 60 s, and each holds one
    unfinished task at a time again.
    """
    _recovered(restarted, queue, "not-recovered")
    # Who took several before the restart as well has lost nothing by it.
    if not restarted.hoarding_before:
        fail_on(restarted.hoarding_after, code="prefetch-not-renewed", evidence=queue.environment.logs("worker"))


def _recovered(outage: Outage, queue: TaskQueue, code: str) -> None:
    if outage.api_before and not outage.api_back:
        fail(
            code,
            expected=msg("POST /tasks answers 202 within %(n)s s after the broker answers", n=RECOVERY_S),
            observed=msg("it never did"),
            evidence=queue.environment.logs("api"),
        )
    if len(outage.workers_back) < queue.able:
        fail(
            code,
            expected=msg("%(n)s workers do tasks within %(s)s s after the broker answers", n=queue.able, s=RECOVERY_S),
            observed=msg("these did: %(names)s", names=listed(sorted(outage.workers_back)) or "-"),
            evidence=queue.environment.logs("worker"),
        )


@check("recreate.tasks")
def test_tasks_survive_down_and_up(recreated: Outage, queue: TaskQueue) -> None:
    """Tareas, resultados y mensajes muertos sobreviven a docker compose down y docker compose up: el broker tiene un
    volumen con nombre y siempre el mismo nombre de nodo.

    Tasks, results and dead letters survive docker compose down and docker compose up: the broker has a named volume
    and always the same node name.
    """
    if not recreated.durable:
        blocked("queue.durable")
    _kept_tasks(recreated, queue)
    _kept_letters(recreated, queue)


@check("start.late-broker")
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
    logs = tasks.environment.logs("worker")
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
    fail_on(delivery.repeated(history, [task], RESULTS))
    if stopped.exit_code == 137:
        fail(
            "stop-ignored",
            expected=msg("the process ends by itself within %(n)s s after SIGTERM", n=GRACE_S),
            observed=msg("it went on and had to be killed (exit code 137)"),
            evidence=logs,
        )


@check("api.confirms")
def test_accepted_means_stored(tasks: TaskQueue) -> None:
    """La API responde 202 solo cuando el broker ha confirmado el mensaje (publisher confirms): lo aceptado no se pierde
    aunque el broker muera en ese momento.

    The API answers 202 only when the broker has confirmed the message (publisher confirms): what was accepted is not
    lost even if the broker dies at that moment.
    """
    tasks.disturbed()
    since = tasks.now()
    # An API that accepts nothing at all would keep every promise.
    tasks.wait_reported(tasks.submit(*tasks.tasks("open", 1, 100)), within=30, since=since)
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
        fail_on(delivery.lost(tasks.history(since), accepted, RESULTS, still_waiting=waiting), code="accepted-but-lost")
    tasks.environment.dirty = True
