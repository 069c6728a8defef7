"""How the grader talks to Redis."""

from __future__ import annotations

from grader.brokers.client import Client, Refusal
from grader.brokers.redis.probe import REDIS_ERRORS, Redis

CLIENT = Client(
    probe=Redis,
    ready=Redis.ready,
    refuses=Refusal(Redis.accepts_password, "redis-password-unknown"),
    errors=REDIS_ERRORS,
)
