"""A submission's text must not keep the checks from being told what to do."""

from __future__ import annotations

import msgspec

from grader import assignments
from grader.checks.session import ServiceState, Session
from grader.model import portable
from grader.model.findings import Finding
from grader.model.text import literal
from grader.stack.info import GatewayInfo, StackInfo

STACK = StackInfo(
    project="p",
    run="r",
    endpoint="unix:///e",
    compose_file="/c",
    stage="/s",
    epoch=0.0,
    gateway=GatewayInfo(container="c", image="i", host="127.0.0.1", port=1, user="u", password="p"),
    services={"api": 1},
    compose_binary="compose",
    networks={},
)


def test_a_session_with_text_that_has_no_encoding_still_arrives() -> None:
    """Lone surrogates, which JSON cannot carry, in every place that quotes a submission."""
    session = Session(
        stack=STACK,
        assignment=assignments.load("redis-cache-aside"),
        checks=("a",),
        services={"api": ServiceState(ready=False, reason="exited", logs=("\ud800 lost", "\x1b[31m"))},
        findings=(Finding(code="c", severity="notice", message=literal("\udfff"), file="a\udc80"),),
    )
    arrived = msgspec.json.decode(portable.encode(session), type=Session)
    assert arrived.services["api"].logs == ("? lost", "\x1b[31m")
    assert arrived.findings[0].file == "a?"
    assert arrived.assignment == session.assignment
