"""An API of users with a cache as its checks see it: rows of our own, each replica's answers, the keys in Redis."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from grader import HTTP, Answer, Contract, Environment, HTTPSubject, Postgres, RedisSubject, caching, contract


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
SHOWN_S = 3.0  # from a PUT's answer to the new row everywhere
FIELDS = ("name", "email")
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


class Users(HTTPSubject, RedisSubject):
    """The submission as an API of users, each replica by itself, with the database and Redis behind it."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
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
        return api.get(user.path, within=within, subject=user.key).shown

    def everywhere(self, user: User, *, within: float = ANSWER_S) -> dict[str, Any]:
        """Return what each replica shows of a user."""
        return {api.target: self.get(api, user, within=within) for api in self.apis}

    def places(self, user: User) -> dict[str, Any]:
        """Return what each replica shows of a user, and the database."""
        return {**self.everywhere(user), "db": self.stored(user)}

    def put(self, api: HTTP, user: User, *, within: float = ANSWER_S, fields: tuple[str, str] = FIELDS) -> Answer:
        """Write name and email of a user, under these names of fields."""
        body = dict(zip(fields, (user.name, user.email), strict=True))
        return api.request("PUT", user.path, body=body, within=within, subject=user.key)

    def accept(self, answer: Answer, otherwise: str = "write-refused") -> None:
        """Fail the check unless a PUT was accepted."""
        self.expect_status(answer, *WRITTEN, otherwise=otherwise)

    def show(self, user: User, code: str, shown: dict[str, Any] | None = None) -> None:
        """Fail with a code unless the user is what was shown everywhere, by all replicas now where nothing is given."""
        places = self.everywhere(user) if shown is None else shown
        self.fail_on(caching.differing(places, user.shown, what=user.key, code=code))

    def show_soon(self, user: User, code: str = "stale-value", within: float = SHOWN_S) -> None:
        """Fail with a code unless every replica and the database show the user in the end."""
        self.expect_same(lambda: self.places(user), user.shown, within=within, what=user.key, otherwise=code)

    # -- the cache

    def warm(self, user: User) -> float:
        """Read a user through the first replica until its key is there; return the moment before the reading."""
        since = self.now()
        self.show(user, "row-differs", {self.apis[0].target: self.get(self.apis[0], user)})
        self.wait_key(user.key)
        return since

    def clean(self) -> None:
        """Bring everything up again and empty the cache."""
        self.faults.start("db", "redis", "api")
        healthy = {api.target: api.healthy for api in self.apis}
        self.wait_ready(TERMS.recovery_s, redis=self.redis.ready, db=self.postgres.ready, **healthy)
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
