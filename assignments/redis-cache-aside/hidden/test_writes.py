"""What a write does to the cache, and what it does not let itself be told."""

from __future__ import annotations

from functools import partial

from subject import REPLICAS, TERMS, Users

from grader import caching, check, held_up, holds

HELD_S = 15.0
REFUSED = {400, 422}


@check("write.invalidates", needs="cache.miss")
def test_after_a_put_nobody_sees_the_old_row(users: Users) -> None:
    """PUT /api/users/:id cambia la fila en la base de datos y desde entonces las dos réplicas responden lo nuevo, sea cual
    sea la que recibió el PUT.

    PUT /api/users/:id changes the row in the database, and from then on both replicas answer the new one, whichever
    received the PUT.
    """
    if len(users.apis) < REPLICAS:
        users.fail("replica-missing", wanted=REPLICAS, n=len(users.apis))
    user = users.new()
    users.warm(user)
    for api in users.apis:
        users.everywhere(user)
        user = users.renamed(user)
        users.accept(users.put(api, user))
        users.show_soon(user)


@check("write.ttl", needs=("write.invalidates", "cache.ttl"))
def test_after_a_put_the_key_expires_too(users: Users) -> None:
    """También la clave que se escribe con un PUT, o después de él, caduca a los 300 segundos.

    The key that is written by a PUT, or after it, expires after 300 seconds, too.
    """
    user = users.new()
    users.warm(user)
    user = users.renamed(user)
    since = users.now()
    users.accept(users.put(users.apis[0], user))
    users.get(users.apis[0], user)
    users.wait_key(user.key)
    users.fail_on(users.life(user.key, TERMS.ttl_s, since))


@check("write.commit-held", needs="write.invalidates")
def test_the_key_goes_after_the_commit(users: Users) -> None:
    """La clave se borra o se cambia cuando el cambio está confirmado (COMMIT): si se hace antes, quien lee mientras tanto
    vuelve a guardar lo antiguo.

    The key is deleted or changed when the change is committed: done earlier, whoever reads meanwhile keeps the old row
    again.
    """
    user = users.new()
    users.warm(user)
    changed = users.renamed(user)
    put = partial(users.put, users.apis[0], changed, within=2 * HELD_S)
    with held_up([put], by=users.postgres.held_commits("users")) as (putting,):
        users.wait(holds(lambda: users.postgres.waiting() or putting.done()), HELD_S, every=0.05)
        unwritten = not users.postgres.waiting()
        shown = users.everywhere(user)
    users.accept(putting.result())
    if unwritten:
        users.fail("shown-before-commit/no-write", answer=putting.result().summary())
    # Whoever waits for the write to end shows nothing yet; the new row is nobody's to show.
    early = {place: value for place, value in shown.items() if caching.same(value, changed.shown)}
    users.show(user, "shown-before-commit", early)
    users.show_soon(changed, "invalidated-before-commit")


@check("write.fields", needs="write.invalidates")
def test_a_put_wants_its_fields_as_they_are_spelled(users: Users) -> None:
    """Los campos del PUT se llaman name y email, exactamente así: con otros nombres (NAME, Email) la respuesta es 400 o 422
    y la fila no cambia.

    The fields of a PUT are called name and email, spelled exactly so: with other names (NAME, Email) the answer is 400 or
    422, and the row does not change.
    """
    user = users.new()
    for fields in (("NAME", "EMAIL"), ("Name", "Email")):
        answer = users.put(users.apis[0], users.renamed(user), fields=fields)
        row = users.stored(user)
        if answer.status not in REFUSED or row != user.shown:
            users.fail("put-fields-unchecked", fields=fields, answer=answer.summary(), row=str(row))
