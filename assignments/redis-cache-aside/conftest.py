"""What the checks of this assignment share: the contract's names, rows of our own, and the verbs of the API."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from grader import fail, judge, msg
from grader.oracles import caching
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grader import HTTP, Answer, Postgres, Redis
    from grader.checks.disturbances import Disturbances
    from grader.checks.ids import Ids
    from grader.checks.world import World
    from grader.oracles.violation import Violation

TTL_S = 300
ANSWER_S = 10.0
CACHED_S = 5.0  # from the answer to the key: whoever writes it unawaited is quick all the same
SHOWN_S = 3.0  # from a PUT's answer to the new row everywhere
RECOVERY_S = 60.0


class User(NamedTuple):
    """A row of the table `users`, as the API shows it."""

    id: int
    name: str | None
    email: str | None

    @property
    def key(self) -> str:
        """The key of the contract."""
        return f"user:{self.id}"

    @property
    def shown(self) -> dict[str, Any]:
        """What GET answers."""
        return self._asdict()

    @property
    def path(self) -> str:
        """Where the API serves it."""
        return f"/api/users/{self.id}"


class Users:
    """The submission as an API of users, each replica by itself, with the database and Redis behind it."""

    def __init__(self, world: World, ids: Ids, faults: Disturbances) -> None:
        self.world = world
        self.ids = ids
        self.faults = faults
        self.redis: Redis = world.redis()
        self.postgres: Postgres = world.postgres()
        world.ready_service("api")
        self.now = world.recorder.clock

    @functools.cached_property
    def apis(self) -> list[HTTP]:
        """A client of each replica."""
        return [self.world.http(c.name) for c in self.world.stack.containers("api")]

    # -- rows

    def unknown(self) -> int:
        """Return an id that no row has."""
        return self.world.random.randrange(1_000_000, 2_000_000_000)

    def new(self, word: str = "orig") -> User:
        """Insert a row of our own."""
        (user,) = self.several(1, word)
        return user

    def several(self, count: int, word: str = "orig") -> list[User]:
        """Insert rows of our own."""
        return [self.insert(self.nobody(word)) for _ in range(count)]

    def nobody(self, word: str = "orig") -> User:
        """Return a user that has no row."""
        name = self.ids.new(word)
        return User(self.unknown(), name, f"{name}@example.com")

    def insert(self, user: User) -> User:
        """Insert the row of a user without the API's knowing."""
        self.postgres.execute("INSERT INTO users (id, name, email) VALUES (%s, %s, %s)", *user)
        return user

    def changed(self, user: User, word: str = "new") -> User:
        """Return the user with another name."""
        return user._replace(name=self.ids.new(word))

    def change_behind(self, user: User, word: str = "new") -> User:
        """Change the row in the database without the API's knowing."""
        changed = self.changed(user, word)
        self.postgres.execute("UPDATE users SET name = %s WHERE id = %s", changed.name, user.id)
        return changed

    def stored(self, user: User) -> dict[str, Any] | None:
        """Return the row as the database has it."""
        rows = self.postgres.rows("SELECT id, name, email FROM users WHERE id = %s", user.id)
        return User(*rows[0]).shown if rows else None

    # -- the API

    def get(self, api: HTTP, user: User, *, within: float = ANSWER_S) -> Any:
        """Return what a replica shows of a user: the JSON value of a 200, else a word on what came instead."""
        return shown(api.get(user.path, within=within, subject=user.key))

    def everywhere(self, user: User, *, within: float = ANSWER_S) -> dict[str, Any]:
        """Return what each replica shows of a user."""
        return {api.target: self.get(api, user, within=within) for api in self.apis}

    def put(self, api: HTTP, user: User, *, within: float = ANSWER_S) -> Answer:
        """Write name and email of a user."""
        body = {"name": user.name, "email": user.email}
        return api.request("PUT", user.path, body=body, within=within, subject=user.key)

    def write(self, api: HTTP, user: User) -> None:
        """Write a user; fail the check if the API does not accept it."""
        self.accepted(self.put(api, user))

    def accepted(self, answer: Answer) -> None:
        """Fail the check unless a PUT was answered with 200 or 204."""
        if answer.status not in {200, 204}:
            fail(
                "write-refused",
                expected=msg("PUT /api/users/:id of an existing user is answered with 200 or 204"),
                observed=msg("it was: %(answer)s", answer=answer.summary()),
                evidence=self.world.logs("api"),
            )

    def warm(self, user: User) -> float:
        """Read a user through the first replica until its key is there; return the moment before the reading."""
        since = self.now()
        answered = self.get(self.apis[0], user)
        judge(caching.differing({self.apis[0].target: answered}, user.shown, what=user.key, code="row-differs"))
        self.wait_key(user.key)
        return since

    def life(self, user: User, since: float) -> Violation | None:
        """Return what is wrong with how long the key of a user lives that was written since a moment."""
        ttl = self.redis.ttl(user.key)
        return caching.ttl_in_range(ttl, TTL_S, key=user.key, since=since, until=self.now())

    def wait_key(self, key: str) -> None:
        """Wait until a key is in Redis; fail the check if it does not come."""
        try:
            eventually(lambda: self.redis.exists(key), within=CACHED_S, what=key)
        except DeadlineError:
            fail(
                "cache-key-missing",
                expected=msg("after the first GET the row is in Redis under the key %(key)s", key=key),
                observed=msg("Redis has these keys: %(keys)s", keys=", ".join(sorted(self.redis.keys())[:20]) or "-"),
            )

    def settled(self, user: User) -> dict[str, Any]:
        """Wait until every replica and the database show the user; return what they show in the end."""

        def places() -> dict[str, Any]:
            return {**self.everywhere(user), "db": self.stored(user)}

        def right() -> bool:
            return caching.differing(places(), user.shown, what=user.key) is None

        try:
            eventually(right, within=SHOWN_S, every=0.1, what=user.key)
        except DeadlineError:
            return places()
        return dict.fromkeys(places(), user.shown)

    def reset(self) -> None:
        """Bring everything up again and empty the cache."""
        for service in ("db", "redis", "api"):
            for container in self.world.stack.containers(service):
                if not container.state().running:
                    container.start()
        eventually(self.redis.ready, within=RECOVERY_S, every=0.2, what="redis")
        eventually(self.postgres.ready, within=RECOVERY_S, every=0.2, what="db")
        for api in self.apis:
            eventually(api.healthy, within=RECOVERY_S, every=0.2, what=api.target)
        self.redis.flush()
        self.world.dirty = False


def shown(answer: Answer) -> Any:
    """Return the JSON value of a 200, else a word on what came instead."""
    return answer.json() if answer.status == 200 else answer.summary()


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make all calls at the same time, and return their results in the calls' order."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


@pytest.fixture(scope="session")
def api(world: World, ids: Ids, faults: Disturbances) -> Users:
    """The API in whatever state it is."""
    return Users(world, ids, faults)


@pytest.fixture
def users(api: Users) -> Users:
    """The API with everything up."""
    if api.world.dirty:
        api.reset()
    return api
