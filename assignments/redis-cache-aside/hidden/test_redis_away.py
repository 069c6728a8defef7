"""Redis stopped, and Redis frozen: the database is there all the same."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from conftest import RECOVERY_S

from grader import check, fail, judge, msg
from grader.oracles import caching
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from conftest import User, Users

    from grader import HTTP

ANSWERED_S = 3.0
SLACK_S = 3.0  # what a loaded machine may add


@check("redis.down", needs="cache.miss")
def test_without_redis_answers_stay_right(users: Users) -> None:
    """Con Redis parado, GET responde lo correcto en 3 s como mucho; cuando vuelve, se vuelve a usar la caché antes de 60 s.

    With Redis stopped, GET answers right within 3 s; when it is back, the cache is used again within 60 s.
    """
    warm, cold = users.several(2)
    users.warm(warm)
    with users.faults.stopped("redis"):
        _right_in_time(users, warm, cold)
    with contextlib.suppress(DeadlineError):
        eventually(users.redis.ready, within=RECOVERY_S, every=0.1, what="redis")
    for api in users.apis:
        try:
            eventually(partial(_caches, users, api), within=RECOVERY_S, every=0.5, what="a key")
        except DeadlineError:
            fail(
                "cache-not-resumed",
                expected=msg("%(n)s s after Redis is back, what is read is in the cache again", n=int(RECOVERY_S)),
                observed=msg("%(name)s reads rows, but no key appears", name=api.target),
                evidence=users.world.logs("api"),
            )


@check("redis.hangs", needs="redis.down")
def test_a_redis_that_hangs_does_not_hold_up(users: Users) -> None:
    """Con un Redis que acepta conexiones pero no contesta, GET responde lo correcto en 3 s como mucho.

    With a Redis that takes connections but does not answer, GET answers right within 3 s.
    """
    warm, cold = users.several(2)
    users.warm(warm)
    with users.faults.paused("redis", ready=users.redis.ready):
        _right_in_time(users, warm, cold)


def _caches(users: Users, api: HTTP) -> bool:
    """Say whether what a replica reads is in Redis afterwards."""
    user = users.new("back")
    users.get(api, user)
    return users.redis.exists(user.key)


def _right_in_time(users: Users, *rows: User) -> None:
    for user in rows:
        judge(
            caching.differing(
                users.everywhere(user, within=ANSWERED_S + SLACK_S),
                user.shown,
                what=user.key,
                code="redis-outage-breaks-api",
            ),
            evidence=users.world.logs("api"),
        )
