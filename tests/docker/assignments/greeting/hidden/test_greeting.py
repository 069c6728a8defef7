"""Two quick checks, one of which breaks something."""

from __future__ import annotations

from grader import check, fail, msg


@check("greeting.says")
def test_it_greets(environment):
    """GET / responde «hola».

    GET / answers "hola".
    """
    _greets(environment)


@check("greeting.again", needs="greeting.says")
def test_it_greets_after_a_crash(environment, faults):
    """Después de matar el contenedor, GET / vuelve a responder «hola».

    After its container was killed, GET / answers "hola" again.
    """
    with faults.killed("api-1", ready=environment.http("api-1").healthy):
        pass
    _greets(environment)


def _greets(environment):
    environment.ready_service("api")
    answer = environment.http("api-1").get("/", within=5, subject="/")
    if answer.status != 200 or answer.body != b"hola":
        fail("no-answer", expected=msg("GET / answers hola"), observed=msg("%(a)s", a=answer.summary()))
