"""The caching oracles on values that a probe might have read."""

from __future__ import annotations

import pytest

from grader.brokers.reasons import REASONS
from grader.model.stores import Statement, Ttl
from grader.oracles import caching


def code(violation: object) -> str | None:
    found = getattr(violation, "code", None)
    assert found is None or found in REASONS
    return found


def judged(left_ms: int, *, since: float = 10.0, until: float = 10.1, read: float = 10.2) -> str | None:
    ttl = Ttl(left_ms, read, read + 0.01)
    return code(caching.ttl_in_range(ttl, 300, key="user:1", since=since, until=until))


@pytest.mark.parametrize("left_ms", [299_995, 300_000, 299_100, 300_400])
def test_the_contracts_time_passes(left_ms: int) -> None:
    """Also when a client rounded to whole seconds."""
    assert judged(left_ms) is None


def test_a_late_look_accepts_what_has_passed() -> None:
    """A request that took long may have set the key at its beginning or at its end."""
    assert judged(290_500, since=10, until=20, read=20.1) is None
    assert judged(299_900, since=10, until=20, read=20.1) is None
    assert judged(280_000, since=10, until=20, read=20.1) == "ttl-wrong"


@pytest.mark.parametrize(
    ("left_ms", "found"),
    [
        (-1, "ttl-missing"),
        (-2, "cache-key-missing"),
        (299, "ttl-wrong"),  # PX 300
        (59_999, "ttl-wrong"),
        (300_000_000, "ttl-wrong"),  # EX 300000
        (285_000, "ttl-wrong"),  # jitter
    ],
)
def test_other_times_are_named(left_ms: int, found: str) -> None:
    """No time at all, no key at all, another time."""
    assert judged(left_ms) == found


def test_time_goes_on_between_readings() -> None:
    """A second passes, a second less is left."""
    assert code(caching.ttl_goes_on(Ttl(299_000, 1, 1.01), Ttl(297_800, 2.2, 2.21), key="k")) is None


def test_a_hit_that_prolongs_is_seen() -> None:
    """EXPIRE on every read."""
    assert code(caching.ttl_goes_on(Ttl(299_000, 1, 1.01), Ttl(299_990, 2.2, 2.21), key="k")) == "ttl-sliding"
    assert code(caching.ttl_goes_on(Ttl(299_000, 1, 1.01), Ttl(-1, 2.2, 2.21), key="k")) == "ttl-missing"


def asks(*actors: str) -> list[Statement]:
    return [Statement(1.0, actor, "SELECT *\n  FROM users", "parameters: $1 = '7'") for actor in actors]


WRITE = Statement(1.0, "api-1", "INSERT INTO visits VALUES ($1)", "parameters: $1 = '7'", "write")


def test_a_hit_leaves_the_database_alone() -> None:
    """What was asked stands in the report, on one line."""
    assert code(caching.untouched([], what="7")) is None
    violation = caching.untouched(asks("api-1"), what="7")
    assert code(violation) == "hit-reads-database"
    assert violation is not None
    assert "api-1: SELECT * FROM users  (parameters: $1 = '7')" in str(violation.observed.params["lines"])


def test_a_write_is_not_called_a_read() -> None:
    """A hit must not write either, and whoever writes only has not read."""
    assert code(caching.untouched([WRITE], what="7")) == "hit-writes-database"
    assert code(caching.untouched([WRITE, *asks("api-1")], what="7")) == "hit-reads-database"
    assert code(caching.untouched(asks("api-1"), what="7", code="miss-reads-often")) == "miss-reads-often"
    assert code(caching.untouched([WRITE], what="7", code="miss-reads-often")) == "hit-writes-database"
    assert code(caching.asked([WRITE], what="7")) == "miss-without-database"
    assert code(caching.asked([WRITE, *asks("api-1")], what="7", most=1)) is None
    assert code(caching.stampeded([WRITE, *asks("api-1")], what="7")) is None


def test_a_miss_asks_once() -> None:
    """Not never, and not twice where once is wanted."""
    assert code(caching.asked(asks("api-1"), what="7", most=1)) is None
    assert code(caching.asked([], what="7")) == "miss-without-database"
    assert code(caching.asked(asks("api-1", "api-1"), what="7")) is None
    assert code(caching.asked(asks("api-1", "api-1"), what="7", most=1)) == "miss-reads-often"


def test_a_stampede_is_counted_by_replica() -> None:
    """One query a process is single flight."""
    assert code(caching.stampeded(asks("api-1", "api-2"), what="7")) is None
    assert code(caching.stampeded(asks("api-1", "api-2", "api-2"), what="7")) == "stampede"


def test_every_place_shows_the_same() -> None:
    """The report names the place that does not."""
    new = {"name": "new"}
    assert code(caching.differing({"api-1": {"id": 1, "name": "new"}, "db": new}, new, what="1")) is None
    violation = caching.differing({"api-1": new, "api-2": {"name": "old"}}, new, what="1")
    assert code(violation) == "stale-value"
    assert violation is not None
    assert "api-2" in str(violation.observed.params)
    assert "api-1" not in str(violation.observed.params)


def test_each_id_gets_its_own_row() -> None:
    """A key without the id gives everybody the first row."""
    rows: dict[str, object] = {"1": {"id": 1}, "2": {"id": 2}}
    assert code(caching.mixed_up(rows, rows)) is None
    assert code(caching.mixed_up({"1": {"id": 1}, "2": {"id": 1}}, rows)) == "wrong-row"
    assert code(caching.mixed_up({"1": {"id": 1}}, rows)) == "wrong-row"


@pytest.mark.parametrize(("value", "wanted"), [(True, 1), ("7", 7), (None, {}), ([1], [1, 2])])
def test_types_count(value: object, wanted: object) -> None:
    """A number is not its text."""
    assert not caching.same(value, wanted)
