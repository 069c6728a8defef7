"""Hidden checks that break something: a worker, the broker, the way to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from subject import DEAD, REPLICAS, REPORT_S, RESULTS, TASKS, TERMS, TaskQueue, reported

from grader import TooSlowError, blocked, check, delivery, msg

if TYPE_CHECKING:
    from hidden.conftest import Outage

TAKEOVER_S = 25
LETTERS_S = 10
STOPPED_MS = 3000


@check("ack.after-work", needs="task.done")
def test_task_of_a_killed_worker_is_redelivered(tasks: TaskQueue) -> None:
    """Una tarea se confirma (ack) después de hacerla: si su worker muere a medias, otro la recibe y la termina; no va a
    «tasks.dead» por eso.

    A task is acknowledged after its work: if its worker dies halfway, another one gets it and finishes it; it does not
    go to "tasks.dead" because of that.
    """
    since = tasks.fault_ahead()
    task, holder, seconds = _in_hand(tasks)
    with tasks.faults.killed(holder):
        missing = tasks.wait(reported(task), seconds + TAKEOVER_S, since=since)
    if missing:
        _not_taken_over(tasks, task, holder)
    others = {e.actor for e in tasks.record(since).about(task).of("delivered", queue=TASKS)} - {holder}
    tasks.forbid([] if others else [task], otherwise="reported-before-work/by-the-dead", worker=holder)


def _in_hand(tasks: TaskQueue) -> tuple[str, str, float]:
    """Have a worker hold a task that it has not finished; return the task, the worker and the task's seconds.

    A machine so slow that the task is finished before we are there gets a longer one. Raises TooSlowError when that
    one is finished too: nobody would die with a task in their hands.
    """
    for seconds in (4.0, 15.0):
        sent = tasks.now()
        (task,) = tasks.send("slow", 1, int(seconds * 1000))
        holder = tasks.worker_with(task)
        # A short task done meanwhile shows that an acknowledgement sent at once would have arrived.
        tasks.wait(reported(*tasks.send("beside", 1, 300)), 20, since=sent)
        if tasks.now() - sent < seconds * 0.75:
            return task, holder, seconds
    if tasks.able < REPLICAS:  # a single worker does the short one behind the long one
        blocked("share.replicas")
    raise TooSlowError(msg("a task of %(n)s s was finished before its worker could be killed", n=int(seconds)))


def _not_taken_over(tasks: TaskQueue, task: str, holder: str) -> NoReturn:
    if task in tasks.came_to(DEAD):
        tasks.fail("redelivered-task-dead-lettered", worker=holder)
    if task in tasks.left_in(TASKS, "worker"):  # it was not forgotten: there is only nobody who would take it
        if tasks.able < REPLICAS:
            blocked("share.replicas")
        tasks.fail("task-not-done/left-by-the-dead", worker=holder)
    tasks.fail("acked-before-work", worker=holder)


@check("restart.tasks")
def test_tasks_survive_a_broker_restart(restarted: Outage) -> None:
    """Las tareas persistentes que esperan en la cola siguen ahí después de reiniciar el broker: cada una se informa o
    espera todavía.

    Persistent tasks that wait in the queue are still there after a broker restart: each is reported or still waits.
    """
    if TASKS not in restarted.durable:
        blocked("queue.durable")
    _kept_tasks(restarted)


def _kept_tasks(outage: Outage) -> None:
    queue = outage.subject
    # A task that was put aside was not lost: that it was is for ack.after-work to say.
    there = outage.waiting | queue.came_to(DEAD, outage.began)
    lost = delivery.lost(queue.history(outage.began), outage.tasks, RESULTS, still_waiting=there)
    if lost and queue.failed("ack.after-work"):
        blocked("ack.after-work")  # the broker may have kept them for a worker that lost them
    queue.fail_on(lost, evidence=queue.logs("rabbitmq")[:1])


@check("restart.results")
def test_results_survive_a_broker_restart(restarted: Outage) -> None:
    """Los resultados y los mensajes muertos persistentes siguen en sus colas después de reiniciar el broker.

    Persistent results and dead letters are still in their queues after a broker restart.
    """
    if not restarted.letters:
        blocked("queue.durable")
    restarted.expect_letters(within=LETTERS_S, otherwise="message-lost/letters")


@check("recover.restart")
def test_api_and_workers_return(restarted: Outage) -> None:
    """Tras un reinicio del broker, la API vuelve a aceptar tareas y los tres workers a hacerlas, en 60 s como mucho, y
    cada uno tiene otra vez una sola sin terminar.

    After a broker restart the API accepts tasks again and the three workers do them, within 60 s, and each holds one
    unfinished task at a time again.
    """
    _recovered(restarted, "not-recovered")
    restarted.subject.fail_on(restarted.hoarding, code="prefetch-not-renewed")


def _recovered(outage: Outage, code: str) -> None:
    queue, within = outage.subject, int(TERMS.recovery_s)
    if outage.api_lost:
        queue.fail(f"{code}/api", within=within)
    if len(outage.workers_back) < queue.able:
        queue.fail(f"{code}/workers", n=queue.able, within=within, ids=sorted(outage.workers_back))


@check("recreate.tasks")
def test_tasks_survive_down_and_up(recreated: Outage) -> None:
    """Tareas, resultados y mensajes muertos sobreviven a docker compose down y docker compose up: el broker tiene un
    volumen con nombre y siempre el mismo nombre de nodo.

    Tasks, results and dead letters survive docker compose down and docker compose up: the broker has a named volume
    and always the same node name.
    """
    if not recreated.durable:
        blocked("queue.durable")
    _kept_tasks(recreated)
    recreated.expect_letters(within=LETTERS_S, otherwise="message-lost/letters")


@check("start.late-broker")
def test_services_wait_for_a_late_broker(recreated: Outage) -> None:
    """API y workers arrancan aunque el broker llegue 10 s tarde: en 60 s como mucho desde que responde, trabajan.

    API and workers start although the broker comes up 10 s late: within 60 s after it answers, they work.
    """
    _recovered(recreated, "no-patience-with-broker")


@check("stop.graceful", needs="ack.after-work")
def test_a_worker_stops_gracefully(tasks: TaskQueue) -> None:
    """Al recibir SIGTERM, un worker termina su tarea de 3 s o la devuelve a la cola y acaba en 10 s como mucho: la tarea
    se informa una vez y no va a «tasks.dead».

    On SIGTERM a worker finishes its task of 3 s or returns it to the queue, and ends within 10 s: the task is reported
    once and does not go to "tasks.dead".
    """
    since = tasks.fault_ahead()
    (task,) = tasks.send("stopping", 1, STOPPED_MS)
    with tasks.faults.stopped(tasks.worker_with(task), grace_s=TERMS.stop_within_s) as stopped:
        missing = tasks.wait(reported(task), REPORT_S, since=since)
    history = tasks.record(since)
    tasks.forbid({task} & tasks.came_to(DEAD, since), otherwise="stopped-task-dead-lettered")
    tasks.forbid(missing, otherwise="task-never-returned", within=int(REPORT_S))
    tasks.fail_on(delivery.repeated(history, [task], RESULTS))
    if stopped.killed:
        tasks.fail("stop-ignored", within=int(TERMS.stop_within_s))


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
    tasks.wait(reported(*tasks.submit(*tasks.bodies("open"))), REPORT_S, since=since)
    bodies = tasks.bodies("accepted", 3)
    # The broker stops reading from publishers, and dies.
    with tasks.rabbitmq.starved():
        accepted = tasks.accepted(*bodies, within=2.0)
        with tasks.faults.killed("rabbitmq", ready=tasks.rabbitmq.ready):
            pass
    tasks.firehose.wait_tracing()
    tasks.dirty()
    if tasks.wait(reported(*accepted), TERMS.recovery_s, since=since):
        waiting = tasks.left_in(TASKS, "worker")
        lost = delivery.lost(tasks.history(since), accepted, RESULTS, still_waiting=waiting)
        tasks.fail_on(lost, code="accepted-but-lost")
