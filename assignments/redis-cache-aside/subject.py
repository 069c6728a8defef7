"""An API of users with a cache as its checks see it: rows of our own, each replica's answers, the keys in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from grader import Contract, HTTPSubject, caching, contract, eventually, holds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader import HTTP, Answer, Environment, Postgres, Redis, Violation


class Terms(Contract, frozen=True):
    """What the handout fixes; times are seconds."""

    key: str
    ttl_s: float
    unknown_s: float
    answer_without_redis_s: float
    recovery_s: float


TERMS = contract(Terms)
REPLICAS = 2
ANSWER_S = 10.0
CACHED_S = 5.0  # from the answer to the key: whoever writes it unawaited is quick all the same
SHOWN_S = 3.0  # from a PUT's answer to the new row everywhere
NOT_FOUND = 404
WRITTEN = {200, 204}


class User(NamedTuple):
    """A row of the table `users`, as the API shows it."""

    id: int
    name: str | None
    email: str | None

    @property
    def key(self) -> str:
        """The key of the contract."""
        return f"{TERMS.key}{self.id}"

    @property
    def shown(self) -> dict[str, Any]:
        """What GET answers."""
        return self._asdict()

    @property
    def path(self) -> str:
        """Where the API serves it."""
        return f"/api/users/{self.id}"


class Users(HTTPSubject):
    """The submission as an API of users, each replica by itself, with the database and Redis behind it."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.redis: Redis = environment.redis()
        self.postgres: Postgres = environment.postgres()
        environment.ready_service("api")
        self.apis = self.each("api")

    # -- rows

    def unknown(self) -> int:
        """Return an id that no row has."""
        return self.environment.random.randrange(1_000_000, 2_000_000_000)

    def nobody(self, word: str = "orig") -> User:
        """Return a user that has no row."""
        name = self.ids.new(word)
        return User(self.unknown(), name, f"{name}@example.com")

    def new(self, word: str = "orig") -> User:
        """Insert a row of our own, without the API's knowing."""
        return self.insert(self.nobody(word))

    def insert(self, user: User) -> User:
        """Insert the row of a user without the API's knowing."""
        self.postgres.execute("INSERT INTO users (id, name, email) VALUES (%s, %s, %s)", *user)
        return user

    def renamed(self, user: User) -> User:
        """Return the user with another name."""
        return user._replace(name=self.ids.new("new"))

    def change_behind(self, user: User) -> User:
        """Change the row in the database without the API's knowing."""
        changed = self.renamed(user)
        self.postgres.execute("UPDATE users SET name = %s WHERE id = %s", changed.name, user.id)
        return changed

    def stored(self, user: User) -> dict[str, Any] | None:
        """Return the row as the database has it."""
        rows = self.postgres.rows("SELECT id, name, email FROM users WHERE id = %s", user.id)
        return User(*rows[0]).shown if rows else None

    # -- the API

    def get(self, api: HTTP, user: User, *, within: float = ANSWER_S) -> Any:
        """Return what a replica shows of a user: the JSON value of a 200, else a word on what came instead."""
        answer = api.get(user.path, within=within, subject=user.key)
        return answer.json() if answer.status == 200 else answer.summary()

    def everywhere(self, user: User, *, within: float = ANSWER_S) -> dict[str, Any]:
        """Return what each replica shows of a user."""
        return {api.target: self.get(api, user, within=within) for api in self.apis}

    def put(
        self, api: HTTP, user: User, *, within: float = ANSWER_S, fields: tuple[str, str] = ("name", "email")
    ) -> Answer:
        """Write name and email of a user, under these names of fields."""
        body = dict(zip(fields, (user.name, user.email), strict=True))
        return api.request("PUT", user.path, body=body, within=within, subject=user.key)

    def accept(self, answer: Answer, otherwise: str = "write-refused") -> None:
        """Fail the check unless a PUT was accepted."""
        if answer.status not in WRITTEN:
            self.fail(otherwise, answer=answer.summary())

    def show(self, user: User, code: str, shown: Mapping[str, Any] | None = None) -> None:
        """Fail with a code unless the user is what was shown everywhere, by all replicas now where nothing is given."""
        places = self.everywhere(user) if shown is None else shown
        self.fail_on(caching.differing(places, user.shown, what=user.key, code=code))

    def show_soon(self, user: User, code: str = "stale-value") -> None:
        """Fail with a code unless every replica and the database show the user in the end."""
        places: dict[str, Any] = {}

        def right() -> bool:
            places.update(self.everywhere(user), db=self.stored(user))
            return caching.differing(places, user.shown, what=user.key) is None

        self.wait(holds(right), SHOWN_S, every=0.1)
        self.show(user, code, places)

    # -- the cache

    def warm(self, user: User) -> float:
        """Read a user through the first replica until its key is there; return the moment before the reading."""
        since = self.now()
        self.show(user, "row-differs", {self.apis[0].target: self.get(self.apis[0], user)})
        self.wait_key(user.key)
        return since

    def wait_key(self, key: str) -> None:
        """Fail the check unless a key comes to Redis."""
        if self.wait(holds(lambda: self.redis.exists(key)), CACHED_S, every=0.05):
            self.fail("cache-key-missing", key=key, keys=sorted(self.redis.keys()))

    def life(self, user: User, since: float) -> Violation | None:
        """Return what is wrong with how long the key of a user lives that was written since a moment."""
        return caching.ttl_in_range(self.redis.ttl(user.key), TERMS.ttl_s, key=user.key, since=since, until=self.now())

    def clean(self) -> None:
        """Bring everything up again and empty the cache."""
        self.faults.start("db", "redis", "api")
        for name, ready in (("redis", self.redis.ready), ("db", self.postgres.ready)):
            eventually(ready, within=TERMS.recovery_s, every=0.2, what=name)
        for api in self.apis:
            eventually(api.healthy, within=TERMS.recovery_s, every=0.2, what=api.target)
        self.redis.flush()


@pytest.fixture(scope="session")
def api(environment: Environment) -> Users:
    """The API in whatever state it is."""
    return Users(environment)


@pytest.fixture
def users(api: Users) -> Users:
    """The API with everything up."""
    api.working()
    return api
