"""Delivery: what was lost, repeated, stored as transient, or put aside as dead.

Vocabulary of the events: see `grader.model.history`. A message of a queue that nobody consumes is seen twice by the
probe, on its way in ("published") and lying there ("stored", once an epoch); counts take the larger of the two, because
either instrument may have been away while the broker was.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.oracles.violation import Violation, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from grader.model.history import Event, History

CLOCK_MARGIN_S = 0.05


def arrivals(history: History, queue: str) -> Counter[str]:
    """Count, per subject, how many messages reached `queue`."""
    published = Counter(e.subject for e in _published_to(history, queue))
    epochs: dict[int, Counter[str]] = {}
    for event in history.of("stored", queue=queue):
        epochs.setdefault(event.data.get("epoch", 0), Counter())[event.subject] += 1
    total = published
    for counted in epochs.values():
        total |= counted
    return total


def first_arrival(history: History, queue: str, subject: str) -> Event | None:
    """Return the first event that shows `subject` in `queue`."""
    return next((e for e in history.about(subject) if _enters(e, queue) or _lies_in(e, queue)), None)


def unasked(history: History, queue: str, *, asked: Collection[str], nonce: str) -> tuple[str, ...]:
    """Return the ids of ours (they begin with the run's nonce) that came to `queue` though nobody sent them.

    asked: all ids that were given out. What has no id of ours may be a submission's own, and is left alone.
    """
    return tuple(s for s in sorted(arrivals(history, queue)) if s.startswith(f"{nonce}-") and s not in asked)


def lost(
    history: History, subjects: Iterable[str], queue: str, *, still_waiting: Iterable[str] = ()
) -> Violation | None:
    """Find subjects that never reached `queue` and do not wait anywhere else (`still_waiting`)."""
    wanted = tuple(subjects)
    there = arrivals(history, queue).keys() | set(still_waiting)
    missing = tuple(s for s in wanted if s not in there)
    if not missing:
        return None
    return Violation(
        code="message-lost",
        subjects=missing,
        expected=msg("each of the %(n)s tasks is reported or still waits in its queue", n=len(wanted)),
        observed=msg("%(n)s of %(all)s are gone: %(ids)s", n=len(missing), all=len(wanted), ids=listed(missing)),
    )


def repeated(history: History, subjects: Iterable[str], queue: str) -> Violation | None:
    """Find subjects that reached `queue` more than once."""
    counts = arrivals(history, queue)
    wanted = tuple(subjects)
    twice = tuple(s for s in wanted if counts[s] > 1)
    if not twice:
        return None
    return Violation(
        code="reported-twice",
        subjects=twice,
        expected=msg("each task is reported once in %(queue)s", queue=queue),
        observed=msg("reported more than once: %(ids)s", ids=listed(f"{s} (x{counts[s]})" for s in twice)),
    )


def transient(history: History, subjects: Iterable[str], queue: str) -> Violation | None:
    """Find subjects that reached `queue` without delivery mode 2 (persistent)."""
    modes: dict[str, int] = {}
    for event in (*_published_to(history, queue), *history.of("stored", queue=queue)):
        modes.setdefault(event.subject, int(event.data.get("delivery_mode", 1)))
    bad = tuple(s for s in subjects if modes.get(s, 2) != 2)
    if not bad:
        return None
    return Violation(
        code="message-transient",
        subjects=bad,
        expected=msg("messages in %(queue)s are persistent (delivery mode 2)", queue=queue),
        observed=msg("delivery mode 1, kept in memory only: %(ids)s", ids=listed(bad)),
    )


def too_early(history: History, durations: Mapping[str, float], sent: float, results: str) -> Violation | None:
    """Find tasks whose result came sooner after `sent` than their work lasts (seconds).

    sent: a moment before they were sent. A probe sees things late, never early, so only a moment of our own will do.
    """
    early = []
    for subject, duration in durations.items():
        result = first_arrival(history, results, subject)
        if result and result.at - sent < duration - CLOCK_MARGIN_S:
            early.append(f"{subject} ({result.at - sent:.2f} s)")
    if not early:
        return None
    return Violation(
        code="reported-before-work",
        subjects=tuple(durations),
        expected=msg("a task is reported after its work (its duration_ms)"),
        observed=msg("reported sooner than the work lasts: %(ids)s", ids=listed(early)),
    )


def deliveries(history: History, subject: str, *, aside: Iterable[str] = ()) -> int:
    """Count deliveries of `subject` to the submission's containers, from any queue but those named `aside`."""
    skipped = set(aside)
    return sum(1 for e in history.about(subject).of("delivered") if e.data.get("queue") not in skipped)


def dead_lettered(
    history: History,
    poisons: Mapping[str, str],
    dead: str,
    *,
    most_deliveries: int,
    words: Mapping[str, str] | None = None,
) -> Violation | None:
    """Judge messages that must end unchanged in `dead`: subject -> digest of the body as it was sent.

    In this order: delivered again and again, never put aside, changed on the way. words: subject -> what a reader
    knows the message by, where that is not its id.
    """
    called = {s: (words or {}).get(s, s) for s in poisons}
    expected = msg(
        "each of them ends unchanged in %(dead)s after at most %(n)s deliveries", dead=dead, n=most_deliveries
    )
    counts = {s: deliveries(history, s, aside=(dead,)) for s in poisons}
    spinning = tuple(s for s, n in counts.items() if n > most_deliveries)
    if spinning:
        shown = listed(f"{called[s]} (x{counts[s]})" for s in spinning)
        return Violation(
            code="poison-redelivered-forever",
            subjects=spinning,
            expected=expected,
            observed=msg("delivered again and again: %(ids)s", ids=shown),
        )
    digests: dict[str, set[str]] = {}
    for event in (*_published_to(history, dead), *history.of("stored", queue=dead)):
        digests.setdefault(event.subject, set()).add(str(event.data.get("digest", "")))
    all_digests = set().union(*digests.values()) if digests else set()
    missing = tuple(s for s, d in poisons.items() if s not in digests and d not in all_digests)
    if missing:
        return Violation(
            code="poison-lost",
            subjects=missing,
            expected=expected,
            observed=msg("not in %(dead)s: %(ids)s", dead=dead, ids=listed(called[s] for s in missing)),
        )
    changed = tuple(s for s, d in poisons.items() if d not in all_digests)
    if changed:
        return Violation(
            code="poison-changed",
            subjects=changed,
            expected=expected,
            observed=msg(
                "the body in %(dead)s is not the one that was sent: %(ids)s",
                dead=dead,
                ids=listed(called[s] for s in changed),
            ),
        )
    return None


def _published_to(history: History, queue: str) -> tuple[Event, ...]:
    return tuple(e for e in history if _enters(e, queue))


def _enters(event: Event, queue: str) -> bool:
    return event.kind == "published" and queue in event.data.get("queues", ())


def _lies_in(event: Event, queue: str) -> bool:
    return event.kind == "stored" and event.data.get("queue") == queue
