"""Hand-made and generated classes: what gradebooks, statistics and the class page are tested on."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

import msgspec

from grader.model.classroom import Adjustment, Entry, Gradebook, Mark, Row, Similar, State, Summary
from grader.model.text import literal, msg
from tests.unit.reports.builders import ASSIGNMENT

if TYPE_CHECKING:
    from grader.model.outcome import Verdict

T = TypeVar("T", bound=msgspec.Struct)
MAX = sum(s.points for s in ASSIGNMENT.checks if s.level != "bonus")
REASONS = {
    "queue.durable": ("queue-not-durable",),
    "message.persistent": ("message-transient",),
    "ack.after-work": ("acked-before-work", "no-result"),
    "poison.malformed": ("poison-loops", "no-result"),
    "share.replicas": ("one-worker-does-all",),
}


def summary(
    verdicts: dict[str, Verdict], *, failure: str = "", status: State = "final", seconds: float = 90.0
) -> Summary:
    """Build a Summary; checks that are not named passed."""
    marks = {}
    for spec in ASSIGNMENT.checks:
        verdict = verdicts.get(spec.id, "passed")
        reason = "" if verdict == "passed" else (*REASONS.get(spec.id, ()), "a-code-without-words")[0]
        marks[spec.id] = Mark(
            verdict=verdict, reason=reason, points=spec.points if verdict == "passed" else 0, seconds=3
        )
    core = [s.id for s in ASSIGNMENT.checks if s.level != "bonus"]
    return Summary(
        status=status,  # type: ignore[arg-type]
        score=sum(marks[c].points for c in core),
        max_score=MAX,
        bonus=sum(m.points for c, m in marks.items() if c not in core),
        max_bonus=10,
        checks=marks,
        failure=failure,
        started_at="2026-11-24T08:00:00+00:00",
        seconds=seconds,
        host="lab-1",
        seed=7,
    )


def row(student: str, verdicts: dict[str, Verdict] | None = None, *, state: State = "final", **more: object) -> Row:
    """Build a graded row."""
    given = summary(verdicts or {}, status=state)
    fields: dict[str, object] = {
        "entry": Entry(
            student=student,
            name=student.replace("-", " ").title(),
            email=f"{student}@example.edu",
            source=f"/class/{student}",
            ids={"moodle": "1234567", "canvas": "4711"},
        ),
        "state": state,
        "summary": given,
        "score": float(given.score),
        "report": f"students/{student}/report.html",
    }
    return Row(**{**fields, **more})  # type: ignore[arg-type]


def book(*rows: Row, **more: object) -> Gradebook:
    """Build a gradebook of `rows`."""
    return Gradebook(assignment=ASSIGNMENT, rows=rows, made_at="2026-11-24T09:30:00+00:00", **more)  # type: ignore[arg-type]


LATE = Adjustment(kind="late", points=-10, why=msg("handed in %(hours)s hours late", hours=3))
OVERRIDE = Adjustment(kind="override", points=5.5, why=literal("shown in person"))


def small() -> Gradebook:
    """Build a class with one student of every kind."""
    late = Entry(
        student="bruno-díaz",
        name="Bruno Díaz",
        source="/class/b",
        late=True,
        attempt=2,
        submitted_at="2026-11-23T23:00:00-03:00",
    )
    return book(
        row("ana-gómez"),
        row("bruno-díaz", {"queue.durable": "failed"}, entry=late, score=80.0, adjustments=(LATE,), attempts=2),
        row("carla", {"restart.tasks": "error"}, state="provisional"),
        row(
            "dario",
            state="rejected",
            score=0.0,
            summary=Summary(status="rejected", score=0, max_score=MAX, failure="submission-refused"),
        ),
        Row(entry=Entry(student="elena", name="Elena Ruiz", email="elena@example.edu"), state="missing"),
        Row(entry=Entry(student="fabio", ids={"canvas": "99"}), state="excused", comment="ill, see the mail"),
        row(
            "gina",
            {"ack.after-work": "failed"},
            score=85.5,
            adjustments=(OVERRIDE,),
            overridden=True,
            comment="good talk\nin the lab",
        ),
        notices=(msg("%(n)s submissions could not be read.", n=1),),
        similar=(Similar(students=("ana-gómez", "gina"), share=0.97),),
    )


def generated(count: int, seed: int = 1) -> Gradebook:
    """Build a class of `count` students that looks like one: ability decides, needs block, some are late or missing."""
    rng = random.Random(seed)
    names = ("Ana", "Bruno", "Camila", "Diego", "Elena", "Franco", "Gina", "Hugo", "Inés", "Julián", "Karen", "Lautaro")
    surnames = ("García Peña", "López", "Fernández", "Núñez", "Rodríguez", "Ibáñez", "Sosa", "Quiroga", "Méndez")
    rows = []
    for number in range(count):
        entry = Entry(
            student=f"s{number:05}",
            name=f"{rng.choice(surnames)}, {rng.choice(names)}",
            email=f"s{number:05}@example.edu",
            source=f"/class/s{number:05}",
            attempt=rng.choice((1, 1, 1, 2)),
            submitted_at="2026-11-23T22:10:00-03:00",
            late=rng.random() < 0.08,
            ids={"moodle": str(100000 + number), "canvas": str(5000 + number)},
        )
        rows.append(_student(entry, rng))
    similar = tuple(
        Similar(students=(f"s{n:05}", f"s{n + 1:05}"), share=0.99 - n / 500) for n in range(0, min(count - 1, 40), 2)
    )
    return book(*rows, similar=similar)


def _student(entry: Entry, rng: random.Random) -> Row:
    fate = rng.random()
    if fate < 0.06:
        return Row(
            entry=Entry(student=entry.student, name=entry.name, email=entry.email, ids=entry.ids), state="missing"
        )
    if fate < 0.07:
        return Row(entry=entry, state="excused", comment="parte médico")
    if fate < 0.10:
        refused = Summary(status="rejected", score=0, max_score=MAX, failure="submission-refused", seconds=1.2)
        return Row(entry=entry, state="rejected", summary=refused, report=f"students/{entry.student}/report.html")
    ability = rng.gauss(0.72, 0.2)
    verdicts: dict[str, Verdict] = {}
    if fate < 0.14:
        verdicts = dict.fromkeys((s.id for s in ASSIGNMENT.checks), "blocked")
    else:
        for place, spec in enumerate(ASSIGNMENT.checks):
            if any(verdicts.get(need, "passed") != "passed" for need in spec.needs):
                verdicts[spec.id] = "blocked"
            elif rng.random() > ability + 0.25 - place * 0.06:
                verdicts[spec.id] = "failed"
    state: State = "final"
    if fate > 0.97:
        verdicts["restart.tasks"], state = "error", "provisional"
    given = summary(verdicts, failure="build-failed" if fate < 0.14 else "", status=state, seconds=rng.uniform(40, 220))
    adjustments = (LATE,) if entry.late else ()
    score = max(0.0, given.score + sum(a.points for a in adjustments))
    return Row(
        entry=entry,
        state=state,
        summary=given,
        score=score,
        attempts=entry.attempt,
        adjustments=adjustments,
        report=f"students/{entry.student}/report.html",
    )


def replaced(struct: T | None, **changes: object) -> T:
    """Return a struct with some fields changed."""
    assert struct is not None
    return msgspec.structs.replace(struct, **changes)
