"""The one check."""

from __future__ import annotations

from grader import check, fail, msg


@check("hello.says")
def test_it_greets(world):
    """GET / responde «hola» durante cinco segundos.

    GET / answers "hola" for five seconds.
    """
    world.ready_service("api")
    api = world.http("api-1")
    deadline = world.recorder.clock() + 5
    while world.recorder.clock() < deadline:
        answer = api.get("/", within=5, subject="/")
        if answer.status != 200 or answer.body != b"hola":
            fail("no-answer", expected=msg("GET / answers hola"), observed=msg("%(a)s", a=answer.summary()))
