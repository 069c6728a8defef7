"""The equivalents of Redis and PostgreSQL start, are configured, and keep their data as the originals do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import polling

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker.models.containers import Container

    from grader.model.grade import ResolvedImage

pytestmark = pytest.mark.docker

# Generous: measured are 1 s and 3 s on two free cores.
START_S = 60.0


def says(container: Container, *command: str) -> str:
    """Return what a command in the container writes, whatever its exit code."""
    return str(container.exec_run(list(command)).output.decode())


def wait(container: Container, answer: str, *command: str) -> None:
    polling.eventually(lambda: answer in says(container, *command), within=START_S, every=0.1, what=answer)


def ended(container: Container) -> tuple[int, str]:
    code = container.wait(timeout=START_S)["StatusCode"]
    return code, container.logs().decode()


def test_redis_takes_options_and_keeps_its_data_in_a_volume(
    equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """Options alone mean redis-server; /data is a volume; the server is nobody but the user redis."""
    redis = container(equivalent("redis:7-alpine").reference, command=["--requirepass", "x", "--appendonly", "yes"])
    wait(redis, "NOAUTH", "redis-cli", "ping")
    assert "PONG" in says(redis, "redis-cli", "-a", "x", "ping")
    assert says(redis, "stat", "-c", "%U", "/proc/1").strip() == "redis"
    assert "appendonlydir" in says(redis, "ls", "/data")
    assert [m["Destination"] for m in redis.attrs["Mounts"]] == ["/data"]
    assert says(redis, "redis-server", "--version").startswith("Redis server v=7.0")


def test_redis_without_a_password_answers_other_hosts(
    equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """The original is built without protected mode, also under a configuration file of one's own."""
    image = equivalent("redis:7").reference
    assert container(image).image is not None
    configured = container(
        image, command=["/usr/local/etc/redis.conf"], files={"usr/local/etc/redis.conf": "maxmemory 10mb\n"}
    )
    wait(configured, "10485760", "redis-cli", "config", "get", "maxmemory")
    assert "no" in says(configured, "redis-cli", "config", "get", "protected-mode")


@pytest.mark.parametrize("name", ["postgres:15", "postgres:15-alpine", "postgres:16", "postgres:16-alpine"])
def test_postgres_makes_the_database_and_runs_the_scripts_once(
    name: str, equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """User, password and database of the variables; scripts in their order; then the same data again."""
    database = container(
        equivalent(name).reference,
        environment={"POSTGRES_USER": "ana", "POSTGRES_PASSWORD": "secreto", "POSTGRES_DB": "app"},
        files={
            "docker-entrypoint-initdb.d/1.sql": "CREATE TABLE t (x int);",
            "docker-entrypoint-initdb.d/2.sh": "psql -U $POSTGRES_USER -d $POSTGRES_DB -c 'INSERT INTO t VALUES (7)'",
        },
    )
    ask = ("psql", "postgres://ana:secreto@127.0.0.1/app", "-Atc", "SELECT sum(x), count(*) FROM t")
    wait(database, "accepting connections", "pg_isready", "-h", "127.0.0.1", "-U", "ana", "-d", "app")
    assert says(database, *ask).strip() == "7|1"
    assert says(database, "psql", "-U", "ana", "-d", "app", "-Atc", "SHOW server_version_num").startswith(name[9:11])
    assert "UTF8" in says(database, *ask[:2], "-Atc", "SHOW server_encoding")
    database.restart()
    wait(database, "7|1", *ask)
    # from the container itself everybody is let in, as in the original; from its network the password counts
    address = says(database, "hostname", "-i").strip()
    assert "authentication failed" in says(database, "psql", f"postgres://ana:falsa@{address}/app", "-c", "SELECT 1")
    database.stop(timeout=30)
    assert ended(database)[0] == 0


def test_postgres_wants_a_password(
    equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """Without one it says what to set, and does not start."""
    code, text = ended(container(equivalent("postgres:15").reference))
    assert code == 1
    assert "POSTGRES_PASSWORD" in text


def test_postgres_reads_its_password_from_a_file(
    equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """POSTGRES_PASSWORD_FILE, as with secrets."""
    database = container(
        equivalent("postgres:15").reference,
        environment={"POSTGRES_PASSWORD_FILE": "/run/pw"},
        files={"run/pw": "de-archivo\n"},
    )
    wait(database, "1", "psql", "postgres://postgres:de-archivo@127.0.0.1/postgres", "-Atc", "SELECT 1")
