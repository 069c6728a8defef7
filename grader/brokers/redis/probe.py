"""Redis as the grader sees it: short connections, nothing retried, keys read without touching their time to live.

A client library connects to a server without a password whatever password it has; what a server says to a stranger
is asked over a plain socket (`Redis.raw`).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from grader.brokers.redis import BROKER, resp
from grader.brokers.redis.resp import RedisError
from grader.errors import CheckFailure
from grader.model.stores import Ttl
from grader.model.text import literal, msg
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.probes.reach import Stack
    from grader.probes.recorder import Recorder

NAME = "grader"
PATIENCE_S = 3.0
GONE_S = 5.0
# Everything that a server which is away, starting, or set up oddly does to a right command of ours.
REDIS_ERRORS = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ResponseError,
    redis.exceptions.InvalidResponse,
    OSError,
)
__all__ = ["REDIS_ERRORS", "Redis", "RedisError"]


class Connected(msgspec.Struct, frozen=True):
    """A connection that Redis has: the container it comes from ("" if unknown), its name, its last command."""

    actor: str
    name: str
    cmd: str


class Redis:
    """A probe of one Redis: `service` is its name in the compose file; the contract's password is what it may want."""

    def __init__(
        self, stack: Stack, recorder: Recorder, service: str = "redis", *, port: int = BROKER.port, password: str = ""
    ) -> None:
        self._stack = stack
        self._port = port
        self._recorder = recorder
        self.service = service
        self._agreed = password
        self._password: str | None = None

    @property
    def password(self) -> str:
        """The password that this server wants: "" or the contract's.

        Raises CheckFailure when it wants another one, and REDIS_ERRORS while it does not answer.
        """
        if self._password is None:
            stranger = self.raw("PING")
            if not isinstance(stranger, RedisError):
                self._password = ""
            elif stranger.code == "NOAUTH":
                known = self.raw("PING", password=self._agreed)
                if isinstance(known, RedisError) and known.code in {"WRONGPASS", "NOAUTH", "ERR"}:
                    raise CheckFailure(
                        "redis-password-unknown",
                        expected=msg("Redis has no password, or %(password)s", password=self._agreed)
                        if self._agreed
                        else msg("Redis has no password"),
                        observed=literal(known),
                    )
                self._refused_otherwise(known)
                self._password = self._agreed
            else:
                self._refused_otherwise(stranger)
        return self._password or ""

    def ready(self) -> bool:
        """Say whether the server serves: it answers PING, or asks for a password, and has loaded its data."""
        try:
            reply = self.raw("PING")
        except OSError:
            return False
        return reply == "PONG" or (isinstance(reply, RedisError) and reply.code == "NOAUTH")

    def accepts_password(self) -> bool | None:
        """Say whether the contract's password (or none) lets us in; None while no server answers."""
        try:
            self.password  # noqa: B018 - finding it out is the test
        except CheckFailure:
            return False
        except REDIS_ERRORS:
            return None
        return True

    def raw(self, *words: str | bytes, password: str | None = None) -> resp.Reply:
        """Send one RESP2 command over a fresh socket, after AUTH with `password` if there is one; return the reply.

        An error reply, also to AUTH, is returned as a `RedisError` and not raised. Raises OSError.
        """
        login: tuple[tuple[str | bytes, ...], ...] = () if password is None else (("AUTH", password),)
        return resp.ask(self._stack.address(self.service, self._port), *login, words, within=PATIENCE_S)

    @contextmanager
    def connect(self, patience_s: float = PATIENCE_S) -> Iterator[redis.Redis]:
        """Open a client for one short use: RESP2, no retries, bytes. Raises REDIS_ERRORS."""
        host, port = self._stack.address(self.service, self._port)
        client = redis.Redis(
            host=host,
            port=port,
            password=self.password or None,
            protocol=2,  # RESP3 logs in with HELLO, which a server without a password accepts whatever it says
            client_name=NAME,
            driver_info=None,
            socket_timeout=patience_s,
            socket_connect_timeout=patience_s,
            retry=Retry(NoBackoff(), 0),
            single_connection_client=True,
        )
        try:
            yield client
        finally:
            client.close()

    def keys(self) -> frozenset[str]:
        """Return all keys of database 0 (by SCAN)."""
        with self.connect() as client:
            return frozenset(_text(key) for key in client.scan_iter(count=500))

    def exists(self, key: str) -> bool:
        """Say whether there is such a key."""
        with self.connect() as client:
            return bool(client.exists(key))

    def ttl(self, key: str) -> Ttl:
        """Return the key's time to live between two looks at the clock; reading does not touch it."""
        with self.connect() as client:
            client.ping()  # connecting is not part of the reading
            before = self._recorder.clock()
            left: Any = client.pttl(key)
            return Ttl(int(left), before, self._recorder.clock())

    def type(self, key: str) -> str:
        """Return the key's type ("string", "hash", "list", …; "none" without such a key)."""
        with self.connect() as client:
            return _text(client.type(key))

    def texts(self, key: str) -> tuple[bytes, ...]:
        """Return what can be read of a key: a string's value, or a hash's values; nothing of other types."""
        with self.connect() as client:
            return tuple(_values(client, key).values())

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        """Replace bytes in the value of a string or in the values of a hash, keeping the time to live.

        Returns False when `old` is not in it.
        """
        with self.connect() as client:
            changed = {f: v.replace(old, new) for f, v in _values(client, key).items() if old in v}
            for field, value in changed.items():
                if field is None:
                    client.set(key, value, keepttl=True)
                else:
                    client.hset(key, field, value)
            return bool(changed)

    def expire_in(self, key: str, seconds: float) -> None:
        """Set how long a key has still to live."""
        with self.connect() as client:
            client.pexpire(key, round(seconds * 1000))

    def expire_now(self, key: str) -> None:
        """Let a key's time be over, as Redis itself does it, and wait until it is gone."""
        with self.connect() as client:
            client.pexpire(key, 1)
            try:
                eventually(lambda: not client.exists(key), within=GONE_S, every=0.005, what=f"{key} has expired")
            except DeadlineError as error:  # somebody keeps setting it: that it expired once is what was wanted
                self._recorder.note("grader", "note", text=str(error))

    def delete(self, *keys: str) -> int:
        """Delete keys; return how many there were."""
        with self.connect() as client:
            return int(client.delete(*keys)) if keys else 0

    def flush(self) -> None:
        """Delete everything (FLUSHALL)."""
        with self.connect() as client:
            client.flushall()

    def _refused_otherwise(self, reply: resp.Reply) -> None:
        """Raise what the client library would raise for an error reply that is not about passwords."""
        if not isinstance(reply, RedisError):
            return
        if reply.code == "LOADING":
            raise redis.exceptions.BusyLoadingError(reply)
        raise redis.exceptions.ConnectionError(reply)


def _values(client: redis.Redis, key: str) -> dict[bytes | None, bytes]:
    """Return the readable values of a key: by field in a hash, under None for a string."""
    kind = _text(client.type(key))
    found: Any
    if kind == "string":
        found = client.get(key)
        return {} if found is None else {None: found}
    if kind == "hash":
        found = client.hgetall(key)
        return dict(found)
    return {}


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
