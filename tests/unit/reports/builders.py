"""Hand-made results: what the reports and exports are tested on, without Docker."""

from __future__ import annotations

from grader.model.assignment import Assignment, CheckSpec, ContractService, Level, Visibility
from grader.model.findings import Finding
from grader.model.grade import ResolvedImage, Result
from grader.model.history import Event
from grader.model.outcome import Evidence, Outcome
from grader.model.text import Bilingual, literal, msg
from grader.scoring import grade

HOSTILE = "<script>alert(1)</script>\x1b[31mrojo\x1b[0m\u202egnp.exe\x00::error::boo"


def check(
    check_id: str,
    es: str,
    en: str,
    points: int,
    *,
    level: Level = "core",
    visibility: Visibility = "public",
    needs: tuple[str, ...] = (),
) -> CheckSpec:
    """Build a rubric row whose requirement repeats its title in a sentence."""
    return CheckSpec(
        id=check_id,
        title=Bilingual(es, en),
        requirement=Bilingual(f"El contrato pide esto: {es.lower()}.", f"The contract asks for this: {en.lower()}."),
        points=points,
        level=level,
        visibility=visibility,
        needs=needs,
    )


ASSIGNMENT = Assignment(
    id="rabbitmq-task-queue",
    title=Bilingual("RabbitMQ: tareas que sobreviven a sus workers", "RabbitMQ: tasks that survive their workers"),
    services=(ContractService(name="rabbitmq", role="rabbitmq", port=5672, images=("rabbitmq",)),),
    checks=(
        check("task.done", "Una tarea se hace y se informa", "A task is done and reported", 20),
        check("queue.durable", "La cola tasks es durable", "The queue tasks is durable", 10),
        check("message.persistent", "Los mensajes son persistentes", "Messages are persistent", 10),
        check(
            "restart.tasks",
            "Las tareas sobreviven a un reinicio del broker",
            "Tasks survive a restart of the broker",
            15,
            needs=("queue.durable", "message.persistent"),
        ),
        check(
            "ack.after-work",
            "Una tarea retenida por un worker muerto se entrega a otro",
            "A task held by a killed worker is delivered to another one",
            20,
            visibility="hidden",
            needs=("task.done",),
        ),
        check(
            "poison.malformed",
            "Un mensaje mal formado no bloquea la cola y acaba en tasks.dead",
            "A malformed message does not block the queue and ends in tasks.dead",
            15,
            level="robust",
            visibility="hidden",
            needs=("task.done",),
        ),
        check(
            "share.replicas",
            "Tres réplicas se reparten el trabajo",
            "Three replicas share the work",
            10,
            level="robust",
            needs=("task.done",),
        ),
        check(
            "api.confirms",
            "Aceptado quiere decir guardado",
            "Accepted means stored",
            5,
            level="bonus",
            visibility="hidden",
        ),
        check("stop.graceful", "Un worker se detiene con orden", "A worker stops in good order", 5, level="bonus"),
    ),
)

IMAGES = (
    ResolvedImage(
        name="rabbitmq:3-management",
        reference="grader.local/rabbitmq:3-management",
        equivalent=True,
        differs=("apk",),
        version="3.10.8",
    ),
    ResolvedImage(name="node:20-alpine", reference="node@sha256:" + "ab12" * 16, digest="sha256:" + "ab12" * 16),
)
NOTICE = Finding(
    code="ports-dropped",
    severity="notice",
    message=msg("Published ports are replaced by the grader's own."),
    file="compose.yaml",
    line=9,
    path="services.rabbitmq.ports",
)
WARNING = Finding(
    code="replicas-cannot-start",
    severity="warning",
    message=msg("container_name on a service with %(count)s replicas: only one of them can start.", count=3),
    file="compose.yaml",
    line=31,
    path="services.worker.container_name",
    remedy=msg("Remove container_name; Compose names the containers itself."),
)


def event(at: float, source: str, kind: str, subject: str = "", actor: str = "", **data: object) -> Event:
    """Build an event of a History."""
    return Event(at=at, source=source, kind=kind, subject=subject, actor=actor, data=data)


KILL_STORY = (
    event(41.2, "amqp", "published", "slow-1", "api-1", exchange="", queues=["tasks"], delivery_mode=2, digest="d"),
    event(41.211, "amqp", "delivered", "slow-1", "worker-2", queue="tasks", redelivered=False),
    event(41.52, "grader", "fault", actor="worker-2", action="kill"),
    event(41.58, "docker", "died", actor="worker-2", exit_code=137),
    *(event(42 + n / 10, "amqp", "published", f"m{n}", "api-1", queues=["tasks"], delivery_mode=1) for n in range(14)),
    event(47.641, "http", "response", actor="api-1", status=503, error=""),
    event(47.7, "docker", "exploded", actor="worker-2", colour="blue"),
)


def passed(check_id: str) -> Outcome:
    """Build a passed outcome with a short timeline."""
    return Outcome(
        check=check_id,
        verdict="passed",
        began=10.0,
        ended=12.25,
        events=(
            event(10.0, "amqp", "published", "m1", "grader", exchange="", queues=["tasks"], delivery_mode=2),
            event(10.02, "amqp", "delivered", "m1", "worker-1", queue="tasks", redelivered=False),
            event(12.1, "amqp", "stored", "m1", queue="results", delivery_mode=2, redelivered=False),
        ),
    )


def result(*outcomes: Outcome, rejected: bool = False, findings: tuple[Finding, ...] = (), **more: object) -> Result:
    """Build a Result whose other checks passed."""
    given = {o.check: o for o in outcomes}
    whole = () if rejected else tuple(given.get(s.id) or passed(s.id) for s in ASSIGNMENT.checks)
    fields: dict[str, object] = {
        "assignment": ASSIGNMENT,
        "submission": "García Peña, María",
        "grade": grade(ASSIGNMENT, whole, rejected=rejected),
        "outcomes": whole,
        "findings": findings,
        "stages": {"intake": 0.05, "policy": 0.11, "images": 0.4, "build": 22.51, "up": 9.83, "checks": 74.2},
        "images": () if rejected else IMAGES,
        "versions": {"grader": "0.1.0", "Docker Engine": "20.10.24", "Docker Compose": "2.40.3"},
        "seed": 1234,
        "started_at": "2026-11-24T08:00:00+00:00",
    }
    return Result(**{**fields, **more})  # type: ignore[arg-type]


def all_passed() -> Result:
    """Build a result with full marks and a notice."""
    return result(findings=(NOTICE,))


def several_failed() -> Result:
    """Build a result with failed and blocked checks, hostile text in the evidence, a warning."""
    return result(
        Outcome(
            check="queue.durable",
            verdict="failed",
            reason="queue-not-durable",
            expected=msg("the queue %(queue)s is declared durable", queue="tasks"),
            observed=literal("durable=false"),
            began=3.0,
            ended=3.2,
            evidence=(Evidence(title=msg("Attributes of the queue"), lines=("name     tasks", "durable  false")),),
        ),
        Outcome(check="restart.tasks", verdict="blocked", blocked_by="queue.durable"),
        Outcome(
            check="ack.after-work",
            verdict="failed",
            reason="acked-before-work",
            expected=msg("the result of %(task)s within %(within)s s", task="slow-1", within=20.0),
            observed=msg("no result; the queue was empty %(seconds)s s after the kill", seconds=0.12),
            evidence=(Evidence(title=msg("Last lines of %(name)s", name="worker-2"), lines=(HOSTILE, "got slow-1")),),
            began=41.2,
            ended=61.4,
            events=KILL_STORY,
        ),
        Outcome(
            check="share.replicas",
            verdict="failed",
            reason="a-code-without-words",
            expected=literal("3"),
            observed=literal(HOSTILE),
            began=70,
            ended=75,
        ),
        Outcome(check="api.confirms", verdict="failed", reason="accepted-but-lost", observed=literal("1 lost")),
        findings=(WARNING, NOTICE),
    )


def provisional() -> Result:
    """Build a result with an error of ours."""
    return result(
        Outcome(check="restart.tasks", verdict="error", reason="canary-failed", began=20, ended=81),
        errors=("restart.tasks: the engine did not answer within 60 s",),
    )


def refused() -> Result:
    """Build a result of a submission that policy refused."""
    return result(
        rejected=True,
        findings=(
            Finding(
                code="privileged",
                severity="error",
                message=msg("%(service)s asks to be privileged: it would have the whole machine.", service="worker"),
                file="compose.yaml",
                line=14,
                path="services.worker.privileged",
                remedy=msg("Remove privileged; nothing in this exercise needs it."),
            ),
            Finding(
                code="yaml-syntax",
                severity="error",
                message=msg("This line cannot be read: %(text)s", text=HOSTILE),
                file="docker-compose.override.yml",
                line=3,
                detail=("    - ports: [", HOSTILE),
            ),
            NOTICE,
        ),
        stages={"intake": 0.05, "policy": 0.11},
    )


STORIES = {
    "all-passed": all_passed,
    "several-failed": several_failed,
    "provisional": provisional,
    "refused": refused,
}


def broken() -> Result:
    """Build a result of a submission whose image does not build: every check is blocked by no check."""
    log = ("npm ERR! missing script: start", "The command returned a non-zero code: 1")
    finding = Finding(
        code="build-failed",
        severity="error",
        message=msg("The image of %(service)s does not build.", service="worker"),
        file="worker/Dockerfile",
        line=4,
        detail=log,
    )
    evidence = (Evidence(title=finding.message, lines=log),)
    return result(
        *(
            Outcome(check=s.id, verdict="blocked", reason="build-failed", observed=finding.message, evidence=evidence)
            for s in ASSIGNMENT.checks
        ),
        findings=(finding,),
    )


STORIES["broken"] = broken
