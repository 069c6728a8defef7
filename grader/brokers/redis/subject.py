"""A submission that keeps something in Redis: the keys that come to it, and how long they live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.authoring.conditions import holds
from grader.authoring.subject import Subject
from grader.brokers.redis import BROKER
from grader.oracles import caching

if TYPE_CHECKING:
    from grader.authoring.environment import Environment
    from grader.brokers.redis.probe import Redis
    from grader.oracles.violation import Violation

CACHED_S = 5.0  # from the answer to the key: whoever writes it unawaited is quick all the same


class RedisSubject(Subject):
    """A subject with a Redis behind it."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.redis: Redis = environment.probe(BROKER.role)

    def wait_key(self, key: str, within: float = CACHED_S) -> None:
        """Fail the check unless a key comes to Redis."""
        if self.wait(holds(lambda: self.redis.exists(key)), within, every=0.05):
            self.fail("cache-key-missing", key=key, keys=sorted(self.redis.keys()))

    def life(self, key: str, seconds: float, since: float) -> Violation | None:
        """Return what is wrong with how long a key lives that was written between a moment and now."""
        return caching.ttl_in_range(self.redis.ttl(key), seconds, key=key, since=since, until=self.now())
