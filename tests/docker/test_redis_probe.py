"""The Redis probe against real servers: with a password, without, with another one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from grader.brokers.reasons import reasons_for
from grader.brokers.redis.probe import REDIS_ERRORS, Redis
from grader.brokers.redis.resp import RedisError
from grader.brokers.redis.subject import RedisSubject
from grader.errors import CheckFailure
from grader.faults import Faults
from grader.oracles import caching
from grader.polling import eventually
from grader.probes.recorder import Recorder
from tests.docker.stacks import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker

PASSWORD = "mi_password"
SERVERS = {"open": [], "locked": ["--requirepass", PASSWORD], "other": ["--requirepass", "guess"]}


@pytest.fixture(scope="module")
def stack(
    engine: docker.DockerClient, image: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    reference = image("redis:7")
    services: dict[str, dict[str, Any]] = {
        name: {"image": reference, "command": ["redis-server", *options]} for name, options in SERVERS.items()
    }
    services["api"] = {"image": reference, "init": True, "entrypoint": ["sleep", "infinity"]}
    with running(engine, image("python:3.13-slim"), tmp_path_factory.mktemp("workspace"), services) as found:
        for name in SERVERS:
            eventually(Redis(found, Recorder(found.clock), name).ready, within=60, every=0.1, what=name)
        yield found


@pytest.fixture(params=["open", "locked"])
def redis(request: pytest.FixtureRequest, stack: Stack) -> Redis:
    """A server as the contract allows it."""
    probe = Redis(stack, Recorder(stack.clock), request.param, password=PASSWORD)
    probe.flush()
    return probe


def test_the_password_is_found(stack: Stack) -> None:
    """None, the contract's, or another: then the submission is at fault, and it is said with which reason."""
    recorder = Recorder(stack.clock)
    assert Redis(stack, recorder, "open").password == ""
    assert Redis(stack, recorder, "locked", password=PASSWORD).password == PASSWORD
    other = Redis(stack, recorder, "other")
    assert other.ready()
    assert other.accepts_password() is False
    with pytest.raises(CheckFailure, match="redis-password-unknown"), other.connect():
        pass


def test_a_stranger_hears_what_the_server_says(stack: Stack) -> None:
    """A client library would log in to a server without a password with any password."""
    recorder = Recorder(stack.clock)
    closed, opened = Redis(stack, recorder, "locked", password=PASSWORD), Redis(stack, recorder, "open")
    for reply, code in (
        (closed.raw("PING"), "NOAUTH"),
        (closed.raw("PING", password="wrong"), "WRONGPASS"),
        (opened.raw("PING", password="any"), "ERR"),
    ):
        assert isinstance(reply, RedisError)
        assert reply.code == code
    assert closed.raw("PING", password=PASSWORD) == "PONG"
    assert opened.raw("PING") == "PONG"
    assert opened.raw("ECHO", b"\xff") == b"\xff"


def test_a_time_to_live_is_read_between_two_clock_readings(redis: Redis, stack: Stack) -> None:
    """EX passes, PX by mistake does not, no time and no key are told apart."""
    since = stack.clock()
    with redis.connect() as client:
        client.set("right", "x", ex=300)
        client.set("short", "x", px=30_000)
        client.set("never", "x")
    until = stack.clock()

    def judged(key: str) -> str | None:
        violation = caching.ttl_in_range(redis.ttl(key), 300, key=key, since=since, until=until)
        return violation.code if violation else None

    assert [judged(k) for k in ("right", "short", "never", "gone")] == [
        None,
        "ttl-wrong",
        "ttl-missing",
        "cache-key-missing",
    ]
    assert caching.ttl_goes_on(redis.ttl("right"), redis.ttl("right"), key="right") is None


def test_keys_and_values_are_read_without_a_change(redis: Redis) -> None:
    """Strings and hashes have texts, a list has none."""
    with redis.connect() as client:
        client.set("a", b"\xffbytes")
        client.hset("b", mapping={"name": "Ana", "mail": "a@b"})
        client.rpush("c", "x")
    assert redis.keys() == {"a", "b", "c"}
    assert [redis.type(k) for k in ("a", "b", "c", "d")] == ["string", "hash", "list", "none"]
    assert redis.texts("a") == (b"\xffbytes",)
    assert set(redis.texts("b")) == {b"Ana", b"a@b"}
    assert redis.texts("c") == redis.texts("d") == ()
    assert redis.exists("a")
    assert redis.delete("a", "d") == 1
    assert not redis.exists("a")
    assert redis.delete() == 0


def test_cached_bytes_change_and_their_time_stays(redis: Redis) -> None:
    """In a string and in a hash; what is not there is not replaced."""
    with redis.connect() as client:
        client.set("a", '{"name": "orig-7"}', ex=300)
        client.hset("b", mapping={"name": "orig-7", "id": "7"})
        client.expire("b", 300)
    for key in ("a", "b"):
        assert redis.replace(key, b"orig", b"POIS")
        assert any(b"POIS-7" in text for text in redis.texts(key))
        assert 0 < redis.ttl(key).ms <= 300_000
        assert not redis.replace(key, b"orig", b"x")
    assert not redis.replace("missing", b"a", b"b")
    assert redis.ttl("missing").ms == caching.MISSING


def test_a_key_expires_at_once(redis: Redis) -> None:
    """As its time would be over."""
    with redis.connect() as client:
        client.set("a", "x", ex=300)
    redis.expire_now("a")
    assert not redis.exists("a")
    redis.expire_now("a")


def test_a_key_has_as_long_to_live_as_it_is_told(redis: Redis) -> None:
    """Shorter than it was, and counting on."""
    with redis.connect() as client:
        client.set("late", "x", ex=300)
    redis.expire_in("late", 7.5)
    assert 0 < redis.ttl("late").ms <= 7500
    redis.expire_now("late")


def test_a_server_that_is_away_is_an_error_that_checks_expect(stack: Stack) -> None:
    """Stopped: at once. Frozen: after its patience. Neither raises anything else, and it is not ready."""
    redis = Redis(stack, Recorder(stack.clock), "open")
    assert redis.password == ""
    faults = Faults(stack, lambda *_: None)
    for fault in (faults.killed("open"), faults.paused("open")):
        with fault:
            assert not redis.ready()
            began = stack.clock()
            with pytest.raises(REDIS_ERRORS):
                redis.keys()
            assert stack.clock() - began < 12
            with pytest.raises(OSError, match=r"reply|reset|timed out|refused"):
                redis.raw("PING")
        eventually(redis.ready, within=30, what="back")
    assert Redis(stack, Recorder(stack.clock), "nowhere").accepts_password() is None


def test_a_key_is_waited_for_and_its_life_is_measured(redis: Redis, tmp_path: Path) -> None:
    """From the moment before it was written; a key that does not come is named beside those that are there."""
    words = 'cache-key-missing: {expected: {es: "%(key)s", en: "%(key)s"}, observed: {es: "%(keys)s", en: "%(keys)s"}}'
    (tmp_path / "reasons.yaml").write_text(words, "utf-8")
    environment: Any = SimpleNamespace(
        probe=lambda _role: redis,
        reasons=lambda: reasons_for(tmp_path),
        recorder=redis._recorder,
        ids=None,
        faults=None,
        assignment=SimpleNamespace(limits=None),
    )
    subject = RedisSubject(environment)
    since = subject.now()
    with redis.connect() as client:
        client.set("user:1", "x", ex=300)
    subject.wait_key("user:1")
    assert subject.life("user:1", 300, since) is None
    wrong = subject.life("user:1", 200, since)
    assert wrong is not None
    assert wrong.code == "ttl-wrong"
    with pytest.raises(CheckFailure, match="cache-key-missing") as caught:
        subject.wait_key("user:2", within=0.1)
    assert (caught.value.expected.params, caught.value.observed.params) == ({"key": "user:2"}, {"keys": "user:1"})
