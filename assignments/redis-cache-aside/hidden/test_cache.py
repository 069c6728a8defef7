"""What a hit, an expiry and a crowd do to the cache."""

from __future__ import annotations

from functools import partial
from typing import Any

from subject import TERMS, User, Users

from grader import Statement, at_once, caching, check, held_up, holds

PAUSED_S = 6.0
FALLEN_MS = 1500
LAST_S = (3.0, 10.0, 50.0)  # what a key has still to live: as little as this machine can answer in just now
BURST = 50
CROWD = 20
CROWD_S = 10.0


@check("cache.hit-log", needs="cache.miss")
def test_a_hit_does_not_ask_the_database(users: Users) -> None:
    """Mientras la clave vive, GET se responde con lo que hay en Redis y no ejecuta ninguna consulta en la base de datos:
    un cambio hecho a espaldas de la API no se ve.

    While the key lives, GET is answered from Redis and runs no statement in the database: a change made behind the API's
    back does not show.
    """
    user = users.new()
    users.warm(user)
    users.change_behind(user)
    shown, _, statements = _hit(users, user)
    users.fail_on(caching.untouched(statements, what=user.key))
    users.show(user, "hit-reads-database", shown)


@check("cache.hit-bytes", needs="cache.miss")
def test_a_hit_comes_from_redis(users: Users) -> None:
    """Un acierto devuelve lo que hay en Redis en ese momento, en las dos réplicas: no hay otra copia en el proceso.

    A hit returns what is in Redis at that moment, on both replicas: there is no other copy in the process.
    """
    user = users.new("orig")
    users.warm(user)
    users.everywhere(user)
    name = str(user.name)
    forged = name.replace("orig", "pois")
    if not users.redis.replace(user.key, name.encode(), forged.encode()):
        return  # the value is not readable text: the paused database and the deleted key say the same
    shown = users.everywhere(user)
    names = {place: value.get("name") if isinstance(value, dict) else value for place, value in shown.items()}
    users.fail_on(caching.differing(names, forged, what=user.key, code="hit-not-from-redis"))


@check("cache.hit-paused", needs="cache.miss")
def test_a_hit_does_not_need_the_database(users: Users) -> None:
    """Con la base de datos parada, lo que está en caché se sigue respondiendo.

    With the database frozen, what is cached is still answered.
    """
    user = users.new()
    users.warm(user)
    with users.faults.paused("db", ready=users.postgres.ready):
        shown = users.everywhere(user, within=PAUSED_S)
    users.show(user, "hit-reads-database", shown)


@check("cache.refetch", needs="cache.miss")
def test_what_is_gone_is_read_again(users: Users) -> None:
    """Cuando la clave caduca o alguien la borra, el siguiente GET lee la fila nueva y vuelve a llenar la clave.

    When the key expires or somebody deletes it, the next GET reads the new row and fills the key again.
    """
    user = users.new()
    since = users.warm(user)
    expires = users.life(user.key, TERMS.ttl_s, since) is None  # else that is what cache.ttl says
    users.everywhere(user)
    for take_away in (users.redis.expire_now, users.redis.delete):
        user = users.change_behind(user)
        take_away(user.key)
        since = users.now()
        users.show(user, "miss-without-database")
        users.wait_key(user.key)
        users.fail_on(users.life(user.key, TERMS.ttl_s, since) if expires else None)


@check("ttl.not-sliding", needs="cache.ttl")
def test_reading_does_not_prolong_a_key(users: Users) -> None:
    """La vida de una clave cuenta desde que se escribió: leerla no la alarga.

    A key's life counts from its writing: reading does not prolong it.
    """
    user = users.new()
    users.warm(user)
    first = users.redis.ttl(user.key)
    users.wait(holds(lambda: users.redis.ttl(user.key).ms < first.ms - FALLEN_MS), 10, every=0.1)
    users.everywhere(user)
    users.fail_on(caching.ttl_goes_on(first, users.redis.ttl(user.key), key=user.key))


@check("ttl.to-the-end", needs=("cache.hit-log", "cache.ttl"))
def test_a_key_serves_until_it_expires(users: Users) -> None:
    """Una clave sirve hasta que caduca: también en el último minuto de su vida se responde desde Redis, sin consultar la
    base de datos ni renovarla antes de tiempo.

    A key serves until it expires: in the last minute of its life, too, the answer comes from Redis, and nobody asks the
    database in order to renew it early.
    """
    for left_s in LAST_S:
        user = users.new()
        users.warm(user)
        users.change_behind(user)
        since = users.now()
        users.redis.expire_in(user.key, left_s)
        shown, until, statements = _hit(users, user)
        if until - since < left_s:
            break  # the key was there until the last answer
    users.fail_on(caching.untouched(statements, what=user.key, code="refreshed-early"))
    users.show(user, "refreshed-early", shown)


@check("cold.burst", needs="cache.miss")
def test_fifty_ids_at_once(users: Users) -> None:
    """Cincuenta ids distintos que no están en caché, pedidos a la vez a las dos réplicas, se responden cada uno con su fila.

    Fifty different ids that are not cached, asked for at once on both replicas, are each answered with their row.
    """
    rows = [users.new() for _ in range(BURST)]
    calls = [partial(users.get, users.apis[n % len(users.apis)], user) for n, user in enumerate(rows)]
    for _ in range(2):  # read, then from the cache
        answers = dict(zip((user.key for user in rows), at_once(calls), strict=True))
        users.fail_on(caching.mixed_up(answers, {user.key: user.shown for user in rows}))


@check("stampede", needs="cache.miss")
def test_one_query_a_replica_for_one_id(users: Users) -> None:
    """Muchas peticiones a la vez del mismo id que no está en caché dan una sola consulta por réplica.

    Many requests at once for the same id that is not cached give one query a replica.
    """
    user = users.new()
    calls = [partial(users.get, api, user, within=30) for api in users.apis for _ in range(CROWD)]
    with users.postgres.window() as window, held_up(calls, by=users.postgres.locked("users")) as asking:
        users.postgres.queued_up(CROWD_S, quiet=1.0)
    users.fail_on(caching.stampeded(window.about(str(user.id), "api"), what=user.key))
    users.show(user, "row-differs", {f"{n}": each.result() for n, each in enumerate(asking)})


def _hit(users: Users, user: User) -> tuple[dict[str, Any], float, tuple[Statement, ...]]:
    """Ask each replica for a user that is cached: what it shows, until when that took, and what the database was asked."""
    others = [users.new() for _ in users.apis]
    with users.postgres.window() as window:
        shown = users.everywhere(user)
        until = users.now()
        # a sure miss on each replica: what nobody waited for is in the log before it
        for api, other in zip(users.apis, others, strict=True):
            users.get(api, other)
    return shown, until, window.of("api", but=[str(other.id) for other in others])
