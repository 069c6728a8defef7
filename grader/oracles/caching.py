"""Caching: times to live, who touched the database, and whether every place shows the same row.

Values in, a Violation or None out: what was read when is the check's matter.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from grader.model.text import literal, msg
from grader.oracles.violation import Violation, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grader.model.stores import Statement, Ttl
    from grader.model.text import Text

NEVER, MISSING = -1, -2  # what PTTL says of a key that never expires, and of one that is not there
# A second each way: EXPIREAT and EXAT count whole seconds, and whoever writes them may round either way.
ROUNDING_S = 1.0
SHOWN_VALUE = 120


def ttl_in_range(ttl: Ttl, seconds: float, *, key: str, since: float, until: float) -> Violation | None:
    """Judge that a key was set with `seconds` to live between `since` and `until` (seconds on the stack's clock)."""
    expected = msg("%(key)s expires %(n)s s after it was written", key=key, n=round(seconds, 3))
    if ttl.ms == MISSING:
        return _violation("cache-key-missing", key, expected, msg("there is no key %(key)s", key=key))
    if ttl.ms == NEVER:
        return _violation("ttl-missing", key, expected, msg("it never expires (TTL -1)"))
    left = ttl.ms / 1000
    least = seconds - (ttl.after - since) - ROUNDING_S
    most = seconds - max(0.0, ttl.before - until) + ROUNDING_S
    if least <= left <= most:
        return None
    return _violation(
        "ttl-wrong",
        key,
        expected,
        msg(
            "it has %(left)s s left at most %(age)s s after it was written",
            left=round(left, 3),
            age=round(ttl.after - since, 1),
        ),
    )


def ttl_goes_on(first: Ttl, second: Ttl, *, key: str) -> Violation | None:
    """Judge that a key's time went on between two readings: reading a cached value does not prolong it.

    Between the two lies more time than reading takes; `ROUNDING_S` does not matter here, both are Redis' own.
    """
    if second.ms == MISSING or first.ms < 0:
        return None  # it has expired meanwhile, or is another oracle's matter
    expected = msg("reading does not change when %(key)s expires", key=key)
    if second.ms == NEVER:
        return _violation("ttl-missing", key, expected, msg("it never expires (TTL -1)"))
    passed_s = second.before - first.after
    fallen_s = (first.ms - second.ms) / 1000
    if passed_s > 0 and fallen_s < passed_s / 2:
        return _violation(
            "ttl-sliding",
            key,
            expected,
            msg(
                "%(passed)s s later it had %(fallen)s s less to live",
                passed=round(passed_s, 2),
                fallen=round(fallen_s, 2),
            ),
        )
    return None


def reads(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Return the statements that read data."""
    return tuple(s for s in statements if s.effect == "read")


def untouched(statements: Iterable[Statement], *, what: str, code: str = "hit-reads-database") -> Violation | None:
    """Judge that nobody asked the database; `what` is the subject (the id that was asked for).

    `code` is what a read is called; who only writes is told so.
    """
    found = tuple(statements)
    if not found:
        return None
    return _violation(
        code if reads(found) else "hit-writes-database",
        what,
        msg("a hit is answered from the cache alone"),
        msg("%(n)s statements: %(lines)s", n=len(found), lines=listed(s.line() for s in found)),
    )


def asked(statements: Iterable[Statement], *, what: str, most: int | None = None) -> Violation | None:
    """Judge that the database was asked for `what` (to write is not to ask), and with `most` not more often."""
    found = reads(statements)
    if not found:
        return _violation(
            "miss-without-database",
            what,
            msg("a miss reads the row from the database"),
            msg("the database was not asked"),
        )
    if most is not None and len(found) > most:
        return _violation(
            "miss-reads-often",
            what,
            msg("queries for one miss: at most %(n)s", n=most),
            msg("%(n)s statements: %(lines)s", n=len(found), lines=listed(s.line() for s in found)),
        )
    return None


def stampeded(statements: Iterable[Statement], *, what: str, most: int = 1) -> Violation | None:
    """Judge that no container asked the database for one thing more than `most` times."""
    counts = Counter(s.actor for s in reads(statements))
    many = {actor: n for actor, n in sorted(counts.items()) if n > most}
    if not many:
        return None
    return _violation(
        "stampede",
        what,
        msg("queries a replica for one id that is asked for many times at once: at most %(n)s", n=most),
        msg("queries: %(counts)s", counts=listed(f"{actor or '?'}: {n}" for actor, n in many.items())),
    )


def differing(shown: Mapping[str, object], wanted: object, *, what: str, code: str = "stale-value") -> Violation | None:
    """Judge that every place (a replica, the database, …) shows the wanted value: place -> value."""
    wrong = {place: value for place, value in shown.items() if not same(value, wanted)}
    if not wrong:
        return None
    return _violation(
        code,
        what,
        msg("everywhere: %(value)s", value=_short(wanted)),
        literal(listed(f"{place}: {_short(value)}" for place, value in wrong.items())),
    )


def mixed_up(answers: Mapping[str, object], wanted: Mapping[str, object]) -> Violation | None:
    """Judge that every id got its own value: id -> answer, id -> wanted."""
    wrong = {name: answers.get(name) for name, value in wanted.items() if not same(answers.get(name), value)}
    if not wrong:
        return None
    return Violation(
        code="wrong-row",
        subjects=tuple(wrong),
        expected=msg("each of %(n)s ids gets its own row", n=len(wanted)),
        observed=msg(
            "%(n)s of %(all)s do not: %(ids)s",
            n=len(wrong),
            all=len(wanted),
            ids=listed(f"{name} → {_short(value)}" for name, value in wrong.items()),
        ),
    )


def same(value: object, wanted: object) -> bool:
    """Compare JSON values: 1 is not true, and further fields of an object are allowed where the contract ignores them.

    A wanted object's fields must be there with their values; everything else must be equal.
    """
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(name in value and same(value[name], wanted[name]) for name in wanted)
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return value == wanted


def _violation(code: str, subject: str, expected: Text, observed: Text) -> Violation:
    return Violation(code=code, subjects=(subject,), expected=expected, observed=observed)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN_VALUE else text[:SHOWN_VALUE] + " …"
