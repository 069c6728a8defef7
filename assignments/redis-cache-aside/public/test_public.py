"""The checks that students have too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import User

from grader import check, fail, fail_on, msg
from grader.oracles import caching

if TYPE_CHECKING:
    from conftest import Users

UNKNOWN_S = 30
NOT_FOUND = 404
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
        fail_on(
            caching.differing(users.everywhere(user), user.shown, what=user.key, code="row-differs"),
            evidence=users.environment.logs("api"),
        )


@check("cache.miss", needs="user.read")
def test_a_miss_reads_the_database_and_fills_the_key(users: Users) -> None:
    """Lo que no está en la caché se lee de la base de datos y se guarda en Redis con la clave user:<id>.

    What is not cached is read from the database and kept in Redis under the key user:<id>.
    """
    user = users.new()
    with users.postgres.window() as window:
        users.get(users.apis[0], user)
        users.wait_key(user.key)
    fail_on(caching.asked(window.about(str(user.id), "api"), what=user.key))


@check("user.null", needs="cache.miss")
def test_a_null_stays_a_null(users: Users) -> None:
    """Un name o un email que es NULL en la tabla se responde como null, venga la fila de la base de datos o de Redis.

    A name or an email that is NULL in the table is answered as null, whether the row comes from the database or from
    Redis.
    """
    half = users.nobody()._replace(email=None)
    for user in (half, User(users.unknown(), None, None)):
        users.insert(user)
        fail_on(
            caching.differing({"api": users.get(users.apis[0], user)}, user.shown, what=user.key, code="null-differs")
        )
        users.wait_key(user.key)
        fail_on(caching.differing(users.everywhere(user), user.shown, what=user.key, code="null-differs"))


@check("cache.ttl", needs="cache.miss")
def test_a_key_expires_after_300_s(users: Users) -> None:
    """La clave user:<id> caduca 300 segundos después de escribirse.

    The key user:<id> expires 300 seconds after it was written.
    """
    user = users.new()
    since = users.warm(user)
    fail_on(users.life(user, since))


@check("api.not-found", needs="user.read")
def test_an_unknown_id_is_not_found(users: Users) -> None:
    """Un id que no existe se responde con 404, también la segunda vez; uno que no es un entero o no cabe en un int, con
    400, 404 o 422. Un PUT a un id que no existe es un 404 y no crea nada. Que no existe se puede recordar 30 s como
    mucho, bajo otra clave. Después la API sigue respondiendo.

    An id that does not exist is answered with 404, the second time too; one that is not an integer or does not fit into
    an int with 400, 404 or 422. A PUT to an id that does not exist is a 404 and creates nothing. That it does not exist
    may be remembered for at most 30 s, under another key. The API goes on answering afterwards.
    """
    unknown = users.unknown()
    asked = [(str(unknown), {404}), (str(unknown), {404}), *((text, REFUSED) for text in NO_IDS)]
    for api in users.apis:
        for text, right in asked:
            answer = api.get(f"/api/users/{text}")
            if answer.status not in right:
                fail(
                    "unknown-user-answer",
                    expected=msg(
                        "GET /api/users/%(id)s is answered with %(codes)s",
                        id=text,
                        codes=" / ".join(str(code) for code in sorted(right)),
                    ),
                    observed=msg("it was: %(answer)s", answer=answer.summary()),
                    evidence=users.environment.logs("api"),
                )
    if users.redis.exists(f"user:{unknown}"):
        fail(
            "unknown-user-cached",
            expected=msg("under the key user:<id> lie only users that exist"),
            observed=msg("there is a key %(key)s", key=f"user:{unknown}"),
        )
    keys = users.redis.keys()
    for key in sorted(k for k in keys if str(unknown) in k):
        ttl = users.redis.ttl(key)
        if ttl.ms != caching.MISSING and not 0 <= ttl.ms <= UNKNOWN_S * 1000:
            fail(
                "unknown-user-cached",
                expected=msg("that a user does not exist is remembered for at most %(n)s s", n=UNKNOWN_S),
                observed=msg("the TTL of %(key)s is %(ms)s ms", key=key, ms=ttl.ms),
            )
    _put_creates_nothing(users)
    user = users.new()
    fail_on(caching.differing(users.everywhere(user), user.shown, what=user.key, code="unknown-user-answer"))


def _put_creates_nothing(users: Users) -> None:
    """Judge a PUT to an id that no row has."""
    nobody = users.nobody("nobody")
    answer = users.put(users.apis[0], nobody)
    row = users.stored(nobody)
    if answer.status != NOT_FOUND or row is not None:
        fail(
            "unknown-user-answer",
            expected=msg("PUT /api/users/%(id)s is answered with 404 and makes no row", id=nobody.id),
            observed=msg("it was: %(answer)s; row: %(row)s", answer=answer.summary(), row=str(row)),
            evidence=users.environment.logs("api"),
        )
