"""HTTP services: what a submission writes itself, so there are no images and nothing that it may not set."""

from __future__ import annotations

from grader.brokers.broker import Broker

BROKER = Broker(
    role="http",
    port=3000,
    client="grader.brokers.http.client:CLIENT",
    exports={
        "HTTP": "grader.brokers.http.probe:HTTP",
        "HTTP_ERRORS": "grader.brokers.http.probe:HTTP_ERRORS",
        "Answer": "grader.brokers.http.probe:Answer",
    },
)
