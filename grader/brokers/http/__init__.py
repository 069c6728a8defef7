"""HTTP services: what a submission writes itself, so there are no images and nothing that it may not set."""

from __future__ import annotations

from grader.brokers.broker import Broker
from grader.brokers.source import Kind, Source
from grader.model.text import msg

BROKER = Broker(
    role="http",
    port=3000,
    client="grader.brokers.http.client:CLIENT",
    sources={
        "http": Source(
            glyph="⇄",
            kinds={
                "request": Kind(msg("request to %(actor)s:"), msg("request:")),
                "response": Kind(msg("answer of %(actor)s:"), msg("answer:")),
            },
            details={"method": str, "path": str, "status": str},
        )
    },
    exports={
        "HTTP": "grader.brokers.http.probe:HTTP",
        "HTTP_ERRORS": "grader.brokers.http.probe:HTTP_ERRORS",
        "HTTPSubject": "grader.brokers.http.subject:HTTPSubject",
        "Answer": "grader.brokers.http.probe:Answer",
    },
)
