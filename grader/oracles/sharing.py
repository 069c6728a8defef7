"""Sharing: who held how many messages at once, and whether the work was spread over the replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.oracles.delivery import arrivals
from grader.oracles.violation import Violation, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.model.history import Event, History


def held_at_once(history: History, subjects: Iterable[str], tasks: str, results: str) -> dict[str, int]:
    """Return, per container, the most subjects it held unfinished at one moment (delivered, result not yet sent)."""
    wanted = set(subjects)
    holding: dict[str, set[str]] = {}
    most: dict[str, int] = {}
    for event in history:
        if event.subject not in wanted:
            continue
        if event.kind == "delivered" and event.data.get("queue") == tasks:
            mine = holding.setdefault(event.actor, set())
            mine.add(event.subject)
            most[event.actor] = max(most.get(event.actor, 0), len(mine))
        elif _finishes(event, results):
            for mine in holding.values():
                mine.discard(event.subject)
    return most


def hoarding(history: History, subjects: Iterable[str], tasks: str, results: str, *, most: int) -> Violation | None:
    """Find containers that held more than `most` unfinished subjects at once."""
    held = held_at_once(history, subjects, tasks, results)
    greedy = {actor: n for actor, n in sorted(held.items()) if n > most}
    if not greedy:
        return None
    return Violation(
        code="prefetch-missing",
        subjects=tuple(greedy),
        expected=msg("a worker holds at most %(most)s unfinished task", most=most),
        observed=msg(
            "unfinished tasks held at once: %(held)s", held=listed(f"{actor}: {n}" for actor, n in greedy.items())
        ),
    )


def workers_of(history: History, subjects: Iterable[str], results: str) -> dict[str, str]:
    """Return subject -> the worker that its result names (first result wins)."""
    wanted = set(subjects)
    found: dict[str, str] = {}
    for event in history:
        if event.subject in wanted and _finishes(event, results):
            worker = event.data.get("fields", {}).get("worker")
            if isinstance(worker, str):
                found.setdefault(event.subject, worker)
    return found


def unshared(history: History, subjects: Iterable[str], results: str, *, replicas: int) -> Violation | None:
    """Judge that the work of `subjects` was spread over `replicas` containers, each task done by one of them."""
    wanted = tuple(subjects)
    handled: dict[str, set[str]] = {}
    for event in history.about(*wanted).of("delivered"):
        handled.setdefault(event.subject, set()).add(event.actor)
    expected = msg(
        "each of %(n)s tasks is done by one of %(replicas)s replicas, and each replica does some",
        n=len(wanted),
        replicas=replicas,
    )
    counts = arrivals(history, results)
    everywhere = tuple(s for s in wanted if len(handled.get(s, ())) > 1 or counts[s] > 1)
    if everywhere:
        return Violation(
            code="work-not-shared",
            subjects=everywhere,
            expected=expected,
            observed=msg("done by more than one replica: %(ids)s", ids=listed(everywhere)),
        )
    workers = workers_of(history, wanted, results)
    names = sorted(set(workers.values()))
    containers = {actor for actors in handled.values() for actor in actors if actor}
    if len(names) < replicas or len(containers) < replicas:
        return Violation(
            code="work-not-shared",
            subjects=tuple(names),
            expected=expected,
            observed=msg("only these took part: %(names)s", names=listed(sorted(containers) or names) or "-"),
        )
    return None


def _finishes(event: Event, results: str) -> bool:
    if event.kind == "published":
        return results in event.data.get("queues", ())
    return event.kind == "stored" and event.data.get("queue") == results
