"""What a write does to the cache, and what it does not let itself be told."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from grader import check, fail, fail_on, msg
from grader.oracles import caching
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from conftest import Users

REPLICAS = 2
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
        fail(
            "replica-missing",
            expected=msg("replicas of api: %(n)s", n=REPLICAS),
            observed=msg("there are %(n)s", n=len(users.apis)),
        )
    user = users.new()
    users.warm(user)
    for api in users.apis:
        users.everywhere(user)
        user = users.changed(user)
        users.write(api, user)
        fail_on(caching.differing(users.settled(user), user.shown, what=user.key))


@check("write.ttl", needs=("write.invalidates", "cache.ttl"))
def test_after_a_put_the_key_expires_too(users: Users) -> None:
    """También la clave que se escribe con un PUT, o después de él, caduca a los 300 segundos.

    The key that is written by a PUT, or after it, expires after 300 seconds, too.
    """
    user = users.new()
    users.warm(user)
    user = users.changed(user)
    since = users.now()
    users.write(users.apis[0], user)
    users.get(users.apis[0], user)
    users.wait_key(user.key)
    fail_on(users.life(user, since))


@check("write.commit-held", needs="write.invalidates")
def test_the_key_goes_after_the_commit(users: Users) -> None:
    """La clave se borra o se cambia cuando el cambio está confirmado (COMMIT): si se hace antes, quien lee mientras tanto
    vuelve a guardar lo antiguo.

    The key is deleted or changed when the change is committed: done earlier, whoever reads meanwhile keeps the old row
    again.
    """
    user = users.new()
    users.warm(user)
    changed = users.changed(user)
    shown: dict[str, Any] = {}
    with ThreadPoolExecutor(1) as pool:
        with users.postgres.held_commits("users"):
            putting = pool.submit(users.put, users.apis[0], changed, within=HELD_S)
            # without a write that waits nothing was written: what is shown in the end says so
            with contextlib.suppress(DeadlineError):
                eventually(users.postgres.waiting, within=HELD_S / 2, what="a write that waits for its COMMIT")
                shown = users.everywhere(user)
        users.accepted(putting.result())
    # Whoever waits for the write to end shows nothing yet; the new row is nobody's to show.
    early = {place: value for place, value in shown.items() if caching.same(value, changed.shown)}
    fail_on(caching.differing(early, user.shown, what=user.key, code="shown-before-commit"))
    fail_on(caching.differing(users.settled(changed), changed.shown, what=user.key, code="invalidated-before-commit"))


@check("write.fields", needs="write.invalidates")
def test_a_put_wants_its_fields_as_they_are_spelled(users: Users) -> None:
    """Los campos del PUT se llaman name y email, exactamente así: con otros nombres (NAME, Email) la respuesta es 400 o 422
    y la fila no cambia.

    The fields of a PUT are called name and email, spelled exactly so: with other names (NAME, Email) the answer is 400 or
    422, and the row does not change.
    """
    user = users.new()
    for fields in (("NAME", "EMAIL"), ("Name", "Email")):
        changed = users.changed(user)
        body = dict(zip(fields, (changed.name, changed.email), strict=True))
        answer = users.apis[0].request("PUT", user.path, body=body, subject=user.key)
        row = users.stored(user)
        if answer.status not in REFUSED or row != user.shown:
            fail(
                "put-fields-unchecked",
                expected=msg(
                    "a PUT with %(fields)s instead of name, email is answered with 400 or 422 and changes nothing",
                    fields=", ".join(fields),
                ),
                observed=msg("it was: %(answer)s; row: %(row)s", answer=answer.summary(), row=str(row)),
                evidence=users.environment.logs("api"),
            )
