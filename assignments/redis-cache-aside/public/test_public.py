"""The checks that students have too."""

from __future__ import annotations

from subject import NOT_FOUND, TERMS, User, Users

from grader import caching, check

NO_IDS = ("abc", "1x", "99999999999999999999")
REFUSED = {400, 404, 422}


@check("user.read")
def test_get_answers_the_row(users: Users) -> None:
    """GET /api/users/:id responde con 200 y la fila como {id, name, email}, con id numérico, y lo mismo la segunda vez,
    en las dos réplicas.

    GET /api/users/:id answers with 200 and the row as {id, name, email}, id a number, and the same the second time, on
    both replicas.
    """
    user = users.new()
    for _ in range(2):
        users.show(user, "row-differs")


@check("cache.miss", needs="user.read")
def test_a_miss_reads_the_database_and_fills_the_key(users: Users) -> None:
    """Lo que no está en la caché se lee de la base de datos y se guarda en Redis con la clave user:<id>.

    What is not cached is read from the database and kept in Redis under the key user:<id>.
    """
    user = users.new()
    with users.postgres.window() as window:
        users.get(users.apis[0], user)
        users.wait_key(user.key)
    users.fail_on(caching.asked(window.about(str(user.id), "api"), what=user.key))


@check("user.null", needs="cache.miss")
def test_a_null_stays_a_null(users: Users) -> None:
    """Un name o un email que es NULL en la tabla se responde como null, venga la fila de la base de datos o de Redis.

    A name or an email that is NULL in the table is answered as null, whether the row comes from the database or from
    Redis.
    """
    for user in (users.nobody()._replace(email=None), User(users.unknown(), None, None)):
        users.insert(user)
        users.show(user, "null-differs", {"api": users.get(users.apis[0], user)})
        users.wait_key(user.key)
        users.show(user, "null-differs")


@check("cache.ttl", needs="cache.miss")
def test_a_key_expires_after_300_s(users: Users) -> None:
    """La clave user:<id> caduca 300 segundos después de escribirse.

    The key user:<id> expires 300 seconds after it was written.
    """
    user = users.new()
    since = users.warm(user)
    users.fail_on(users.life(user.key, TERMS.ttl_s, since))


@check("api.not-found", needs="user.read")
def test_an_unknown_id_is_not_found(users: Users) -> None:
    """Un id que no existe se responde con 404, también la segunda vez; uno que no es un entero o no cabe en un int, con
    400, 404 o 422. Un PUT a un id que no existe es un 404 y no crea nada. Que no existe se puede recordar 30 s como
    mucho, bajo otra clave. Después la API sigue respondiendo.

    An id that does not exist is answered with 404, the second time too; one that is not an integer or does not fit into
    an int with 400, 404 or 422. A PUT to an id that does not exist is a 404 and creates nothing. That it does not exist
    may be remembered for at most 30 s, under another key. The API goes on answering afterwards.
    """
    unknown = str(users.unknown())
    for api in users.apis:
        for text, right in ((unknown, {NOT_FOUND}), (unknown, {NOT_FOUND}), *((text, REFUSED) for text in NO_IDS)):
            codes = " / ".join(map(str, sorted(right)))
            answer = api.get(f"/api/users/{text}")
            users.expect_status(answer, *right, otherwise="unknown-user-answer", id=text, codes=codes)
    _remembered_shortly(users, unknown)
    nobody = users.nobody("nobody")
    answer, row = users.put(users.apis[0], nobody), users.stored(nobody)
    if answer.status != NOT_FOUND or row is not None:
        users.fail("unknown-user-answer/put", id=nobody.id, answer=answer.summary(), row=str(row))
    users.show(users.new(), "unknown-user-answer")


def _remembered_shortly(users: Users, unknown: str) -> None:
    """Judge what is kept in Redis of an id that no row has."""
    key = f"{TERMS.key}{unknown}"
    users.forbid([key] if users.redis.exists(key) else [], otherwise="unknown-user-cached")
    kept = users.redis.keys()
    for key in sorted(key for key in kept if unknown in key):
        ttl = users.redis.ttl(key)
        if ttl.ms != caching.MISSING and not 0 <= ttl.ms <= TERMS.unknown_s * 1000:
            users.fail("unknown-user-cached/too-long", key=key, ms=ttl.ms, most=int(TERMS.unknown_s))
