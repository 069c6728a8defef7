"""Redis, and Valkey, which speaks the same."""

from __future__ import annotations

from grader.brokers.broker import Broker
from grader.brokers.by_hand import commands
from grader.brokers.redis.reasons import REASONS
from grader.brokers.redis.rules import RULES

BROKER = Broker(
    role="redis",
    port=6379,
    client="grader.brokers.redis.client:CLIENT",
    terms=("password",),
    images=("redis",),
    rules=RULES,
    reasons=REASONS,
    by_hand=commands("redis-cli", "redis-cli monitor"),
    exports={
        "REDIS_ERRORS": "grader.brokers.redis.probe:REDIS_ERRORS",
        "Redis": "grader.brokers.redis.probe:Redis",
        "RedisSubject": "grader.brokers.redis.subject:RedisSubject",
    },
)
