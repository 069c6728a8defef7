"""That an id is unknown may be remembered: not for long, and not longer than until the next write."""

from __future__ import annotations

from subject import NOT_FOUND, TERMS, User, Users

from grader import check

SLACK_S = 10.0  # what a loaded machine may add


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
        changed = users.renamed(users.insert(user))
        users.accept(users.put(api, changed), "unknown-outlives-write")
        users.show_soon(changed, "unknown-outlives-write")


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
    users.show_soon(user, "unknown-never-forgotten", within=TERMS.unknown_s + SLACK_S)


def _ask_in_vain(users: Users, user: User) -> None:
    """Ask each replica twice for a user that has no row."""
    for api in (*users.apis, *users.apis):
        answer = api.get(user.path, subject=user.key)
        users.expect_status(answer, NOT_FOUND, otherwise="unknown-user-answer/no-row")
