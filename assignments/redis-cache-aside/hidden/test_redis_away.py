"""Redis stopped, and Redis frozen: the database is there all the same."""

from __future__ import annotations

from functools import partial

from subject import TERMS, User, Users

from grader import HTTP, check, holds

SLACK_S = 3.0  # what a loaded machine may add


@check("redis.down", needs="cache.miss")
def test_without_redis_answers_stay_right(users: Users) -> None:
    """Con Redis parado, GET responde lo correcto en 3 s como mucho; cuando vuelve, se vuelve a usar la caché antes de 60 s.

    With Redis stopped, GET answers right within 3 s; when it is back, the cache is used again within 60 s.
    """
    warm, cold = users.new(), users.new()
    users.warm(warm)
    with users.faults.stopped("redis"):
        _right_in_time(users, warm, cold)
    users.wait(holds(users.redis.ready), TERMS.recovery_s, every=0.1)
    for api in users.apis:
        users.expect(
            holds(partial(_caches, users, api), api.target), within=TERMS.recovery_s, otherwise="cache-not-resumed"
        )


def _caches(users: Users, api: HTTP) -> bool:
    """Say whether what a replica reads is in Redis afterwards."""
    user = users.new("back")
    users.get(api, user)
    return users.redis.exists(user.key)


@check("redis.hangs", needs="redis.down")
def test_a_redis_that_hangs_does_not_hold_up(users: Users) -> None:
    """Con un Redis que acepta conexiones pero no contesta, GET responde lo correcto en 3 s como mucho.

    With a Redis that takes connections but does not answer, GET answers right within 3 s.
    """
    warm, cold = users.new(), users.new()
    users.warm(warm)
    with users.faults.paused("redis", ready=users.redis.ready):
        _right_in_time(users, warm, cold)


def _right_in_time(users: Users, *rows: User) -> None:
    for user in rows:
        shown = users.everywhere(user, within=TERMS.answer_without_redis_s + SLACK_S)
        users.show(user, "redis-outage-breaks-api", shown)
