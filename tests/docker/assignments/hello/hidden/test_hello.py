"""A check for most attacks, and one that lasts longer than any watch needs."""

from __future__ import annotations

from grader import check, fail, msg


@check("hello.says")
def test_it_greets(environment):
    """GET / responde «hola» durante cinco segundos.

    GET / answers "hola" for five seconds.
    """
    _greets(environment, 5)


@check("hello.long")
def test_it_greets_for_long(environment):
    """GET / responde «hola» durante dos minutos.

    GET / answers "hola" for two minutes.
    """
    _greets(environment, 120)


def _greets(environment, seconds):
    environment.ready_service("api")
    api = environment.http("api-1")
    deadline = environment.recorder.clock() + seconds
    while environment.recorder.clock() < deadline:
        answer = api.get("/", within=5, subject="/")
        if answer.status != 200 or answer.body != b"hola":
            fail("no-answer", expected=msg("GET / answers hola"), observed=msg("%(a)s", a=answer.summary()))
