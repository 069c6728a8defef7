"""A broker that passes lines on: what one client says, all others hear."""

from __future__ import annotations

from grader.brokers import Broker, Kind, Reason, Rules, Source, commands
from grader.model.text import msg

BROKER = Broker(
    role="echo",
    port=7007,
    client="echo_line.client:CLIENT",
    images=("example/echo-line",),
    rules=Rules(programs=r"/srv/echo(/.*)?\Z", url="echo:7007"),
    sources={
        "line": Source(
            glyph="»",
            kinds={
                "said": Kind(msg("we say to %(actor)s:"), msg("we say:")),
                "heard": Kind(msg("%(actor)s passes on:"), msg("passed on:")),
            },
            details={"text": lambda text: f"“{text}”"},
        )
    },
    reasons={
        "line-unanswered": Reason(
            title=msg("Nobody answers a line"),
            why=msg("Whoever asks waits for an answer that names what was asked."),
            hint=msg("Answer “do x” with “did x”."),
        )
    },
    by_hand=commands("python3 /srv/echo/talk.py"),
)
