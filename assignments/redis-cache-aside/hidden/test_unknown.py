"""That an id is unknown may be remembered: not for long, and not longer than until the next write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader import check, fail, fail_on, msg
from grader.oracles import caching
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from conftest import User, Users

UNKNOWN_S = 30.0
SLACK_S = 10.0  # what a loaded machine may add
NOT_FOUND = 404


@check("write.unknown", needs=("write.invalidates", "api.not-found"))
def test_a_put_forgets_that_an_id_was_unknown(users: Users) -> None:
    """Si un id no existía y ahora hay una fila con él, un PUT la cambia y desde su respuesta las dos réplicas responden lo
    nuevo: quien recuerda que no existía lo olvida.

    If an id did not exist and now there is a row with it, a PUT changes that row, and from its answer on both replicas
    answer the new one: whoever remembers that it did not exist forgets it.
    """
    for api in users.apis:
        user = users.nobody()
        _ask_in_vain(users, user)
        users.insert(user)
        changed = users.changed(user)
        answer = users.put(api, changed)
        if answer.status not in {200, 204}:
            fail(
                "unknown-outlives-write",
                expected=msg("PUT /api/users/:id of an existing user is answered with 200 or 204"),
                observed=msg("it was: %(answer)s", answer=answer.summary()),
                evidence=users.environment.logs("api"),
            )
        fail_on(caching.differing(users.settled(changed), changed.shown, what=user.key, code="unknown-outlives-write"))


@check("unknown.forgotten", needs=("cache.miss", "api.not-found"))
def test_that_an_id_is_unknown_is_forgotten(users: Users) -> None:
    """Que un id no existe se olvida a los 30 s como mucho, por más que se pregunte por él mientras tanto: entonces se
    responde con la fila que ya hay.

    That an id does not exist is forgotten after 30 s at most, however often it is asked for meanwhile: then the row that
    is there by now is answered.
    """
    user = users.nobody()
    _ask_in_vain(users, user)
    users.insert(user)

    def shown() -> bool:
        return caching.differing(users.everywhere(user), user.shown, what=user.key) is None

    try:
        eventually(shown, within=UNKNOWN_S + SLACK_S, every=0.5, what=user.key)
    except DeadlineError:
        fail_on(caching.differing(users.everywhere(user), user.shown, what=user.key, code="unknown-never-forgotten"))


def _ask_in_vain(users: Users, user: User) -> None:
    """Ask each replica twice for a user that has no row."""
    for api in (*users.apis, *users.apis):
        answer = api.get(user.path, subject=user.key)
        if answer.status != NOT_FOUND:
            fail(
                "unknown-user-answer",
                expected=msg("while there is no row with that id, GET is answered with 404"),
                observed=msg("it was: %(answer)s", answer=answer.summary()),
                evidence=users.environment.logs("api"),
            )
