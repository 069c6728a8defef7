"""The PostgreSQL probe against a real server, asked by another container as an API would."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from grader.brokers.postgres.probe import POSTGRES_ERRORS, SCHEMA_ERRORS, Postgres
from grader.brokers.postgres.table import Row, WatchedTable
from grader.errors import GraderError
from grader.faults import Faults
from grader.polling import eventually
from grader.probes.recorder import Recorder
from tests.docker.stacks import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker

PASSWORD = "s3cret ñ'"


@pytest.fixture(scope="module")
def stack(
    engine: docker.DockerClient, image: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    reference = image("postgres:15")
    services: dict[str, dict[str, Any]] = {
        "db": {
            "image": reference,
            "environment": {"POSTGRES_USER": "student", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": "app"},
        },
        "other": {
            "image": reference,
            "environment": {"POSTGRES_PASSWORD_FILE": "/etc/hostname"},
            "command": ["postgres", "-c", "logging_collector=on"],
        },
        "api": {
            "image": reference,
            "init": True,
            "entrypoint": ["sleep", "infinity"],
            "environment": {"PGHOST": "db", "PGUSER": "student", "PGPASSWORD": PASSWORD, "PGDATABASE": "app"},
        },
    }
    with running(engine, image("python:3.13-slim"), tmp_path_factory.mktemp("workspace"), services) as found:
        for name in ("db", "other"):
            eventually(
                Postgres(found, Recorder(found.clock), name, database="app").ready, within=90, every=0.1, what=name
            )
        yield found


@pytest.fixture(scope="module")
def postgres(stack: Stack) -> Postgres:
    probe = Postgres(stack, Recorder(stack.clock), database="app")
    probe.execute("CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL)")
    probe.execute("INSERT INTO users VALUES (7, 'Ana'), (8, 'Luis')")
    return probe


def psql(stack: Stack, *statements: str) -> str:
    """Send statements from the container `api`, each as it stands; return what psql printed."""
    options = [part for statement in statements for part in ("-c", statement)]
    code, output = stack.container("api-1").exec(["psql", "-XtAq", *options], deadline_s=60)
    assert code == 0, output
    return output.strip()


def test_rows_and_counts(postgres: Postgres) -> None:
    """Parameters are bound; without any a per cent sign is one."""
    assert postgres.rows("SELECT name FROM users WHERE id = %s", 7) == [("Ana",)]
    assert postgres.execute("UPDATE users SET name = %s WHERE id > %s", "Eva", 7) == 1
    assert postgres.rows("SELECT count(*) FROM users WHERE name LIKE 'E%'") == [(1,)]
    assert postgres.has_database()


class Note(Row, frozen=True):
    """A row of table notes."""

    body: str | None
    writer: str | None


def test_a_watched_table_has_the_rows_of_this_run(postgres: Postgres, stack: Stack) -> None:
    """Others are left alone; each is noted once, with the container that its writer names; second rows are told."""
    postgres.execute("CREATE TABLE notes (id text, body text, writer text)")
    postgres.execute(
        "INSERT INTO notes VALUES ('g1-a', 'x', 'on host-1'), ('g1-b', NULL, NULL), ('demo', 'y', 'host-1')"
    )
    recorder = Recorder(stack.clock)
    environment: Any = SimpleNamespace(nonce="g1", recorder=recorder, probe=lambda _role: postgres)
    table = WatchedTable(
        environment, "notes", "id", Note, by="writer", container=lambda named: "api-1" if named == "on host-1" else None
    )
    assert table.rows() == table.rows() == {"g1-a": Note("x", "on host-1"), "g1-b": Note(None, None)}
    noted = {e.subject: (e.actor, e.data) for e in recorder.history().of("row")}
    assert len(recorder.history()) == 2
    assert noted == {"g1-a": ("api-1", {"writer": "on host-1"}), "g1-b": ("", {"writer": None})}
    assert str(table.rows()["g1-a"]) == "body='x', writer='on host-1'"
    assert table.doubled() == []
    postgres.execute("INSERT INTO notes VALUES ('g1-b', 'again', NULL), ('demo', 'again', NULL)")
    assert table.doubled() == ["g1-b"]


def test_a_password_from_a_file_and_a_missing_database(stack: Stack) -> None:
    """The server lets us in, and the contract's database is not there."""
    other = Postgres(stack, Recorder(stack.clock), "other", database="app")
    assert other.ready()
    assert other.has_database() is False
    with pytest.raises(POSTGRES_ERRORS):
        other.rows("SELECT 1")


def test_what_does_not_fit_the_tables_is_told_apart(postgres: Postgres) -> None:
    """A missing table or column, a broken constraint: the submission's; an error of ours in the SQL is not."""
    for statement in (
        "SELECT * FROM nothing",
        "SELECT nothing FROM users",
        "INSERT INTO users VALUES (7, 'twice')",
        "INSERT INTO users VALUES (9, NULL)",
    ):
        with pytest.raises(SCHEMA_ERRORS):
            postgres.execute(statement)
    with pytest.raises(psycopg.errors.SyntaxError) as caught:
        postgres.execute("SELEC 1")
    assert not isinstance(caught.value, (*SCHEMA_ERRORS, *POSTGRES_ERRORS))


def test_a_window_shows_who_asked_what(postgres: Postgres, stack: Stack) -> None:
    """Statements of another container, of several lines, with parameters; neither ours nor a pool's."""
    psql(stack, "SELECT name FROM users WHERE id = 1")
    with postgres.window() as window:
        began = stack.clock()
        psql(stack, "SELECT 1", "BEGIN", "SELECT name\n  FROM users\n WHERE id = 7", "COMMIT")
        psql(stack, "PREPARE find(int) AS SELECT * FROM users WHERE id = $1", "EXECUTE find(8)")
        postgres.rows("SELECT * FROM users")
        stack.container("db-1").exec(["psql", "-U", "student", "app", "-c", "SELECT * FROM users"])
        ended = stack.clock()
    psql(stack, "SELECT name FROM users WHERE id = 9")
    assert [s.text for s in window.statements] == ["SELECT name\n  FROM users\n WHERE id = 7", "EXECUTE find(8)"]
    assert {s.actor for s in window.statements} == {"api-1"}
    assert all(began - 0.1 <= s.at <= ended + 0.1 for s in window.statements)
    assert window.of("api") == window.statements
    assert window.of("db") == ()
    assert [s.text for s in window.about("find", "api")] == ["EXECUTE find(8)"]


def test_what_touches_no_data_is_not_in_a_window(postgres: Postgres, stack: Stack) -> None:
    """What pools and drivers say, judged with this server's own names; theirs read under any name."""
    postgres.execute("CREATE FUNCTION find(int) RETURNS text LANGUAGE sql AS 'SELECT name FROM users WHERE id = $1'")
    postgres.execute("CREATE FUNCTION upper(int) RETURNS text LANGUAGE sql AS 'SELECT name FROM users WHERE id = $1'")
    postgres.execute("CREATE VIEW pg_people AS SELECT * FROM users")
    own = (
        "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;",
        "SELECT version(), current_schema(), set_config('jit', 'off', false), lower('A')",
        "SELECT t.oid, n.nspname FROM pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace",
        "SELECT table_name FROM information_schema.tables",
        "PREPARE ping AS SELECT 1",
        "EXECUTE ping",
        "/* users */ SELECT 'FROM users'",
    )
    theirs = ("SELECT find(7)", "SELECT upper(7)", "SELECT * FROM pg_people", "COPY users TO STDOUT", "TABLE users")
    with postgres.window() as window:
        psql(stack, *own, *theirs, "UPDATE users SET name = name WHERE id = 7")
    assert [(s.text, s.effect) for s in window.statements] == [
        *((text, "read") for text in theirs),
        ("UPDATE users SET name = name WHERE id = 7", "write"),
    ]


def test_an_empty_window_is_empty_and_a_long_one_complete(postgres: Postgres, stack: Stack) -> None:
    """The log is read as far back as the first mark lies."""
    with postgres.window() as window:
        pass
    assert window.statements == ()
    with postgres.window() as window:
        psql(stack, *[f"SELECT name FROM users WHERE id = {n}" for n in range(700)])
    assert len(window.statements) == 700


def test_a_log_in_a_file_is_read_as_well(stack: Stack) -> None:
    """With logging_collector the server's output says nothing."""
    other = Postgres(stack, Recorder(stack.clock), "other", database="postgres")
    password = stack.container("other-1").exec(["cat", "/etc/hostname"])[1].strip()
    with other.window() as window:
        command = ["env", f"PGPASSWORD={password}", "psql", "-h", "other", "-U", "postgres", "-d", "postgres"]
        assert stack.container("api-1").exec([*command, "-c", "CREATE TABLE seen (id int)"])[0] == 0
    assert [s.actor for s in window.statements] == ["api-1"]


def test_a_locked_table_makes_others_wait(postgres: Postgres, stack: Stack) -> None:
    """They are seen at once, with their container, and go on afterwards."""
    with ThreadPoolExecutor(1) as pool:
        with postgres.locked("users"):
            answer = pool.submit(psql, stack, "SELECT name FROM users WHERE id = 7")
            (waiting,) = eventually(postgres.waiting, within=20, what="somebody waits")
            assert waiting.actor == "api-1"
            assert "users" in waiting.query
            assert postgres.queued_up(20, quiet=0.3) == 1
            assert not answer.done()
        assert answer.result(30) == "Ana"
    assert postgres.waiting() == ()
    assert postgres.queued_up(0, quiet=60) == 0


@pytest.mark.parametrize("transaction", [False, True])
def test_a_held_commit_is_not_visible(postgres: Postgres, stack: Stack, *, transaction: bool) -> None:
    """The writer hangs in its COMMIT, readers see the old row, then the new one is there."""
    postgres.execute("UPDATE users SET name = 'old' WHERE id = 7")
    write = ["UPDATE users SET name = 'new' WHERE id = 7"]
    with ThreadPoolExecutor(1) as pool:
        with postgres.held_commits("users"):
            answer = pool.submit(psql, stack, *(["BEGIN", *write, "COMMIT"] if transaction else write))
            (waiting,) = eventually(postgres.waiting, within=20, what="the writer waits")
            assert waiting.query == ("COMMIT" if transaction else write[0])
            assert psql(stack, "SELECT name FROM users WHERE id = 7") == "old"
            assert postgres.rows("SELECT name FROM users WHERE id = 7") == [("old",)]
            assert not answer.done()
        answer.result(30)
    assert postgres.rows("SELECT name FROM users WHERE id = 7") == [("new",)]
    assert psql(stack, "UPDATE users SET name = 'Ana' WHERE id = 7 RETURNING name") == "Ana"
    assert postgres.rows("SELECT count(*) FROM pg_trigger WHERE tgname = 'grader_hold'") == [(0,)]


def test_a_held_commit_holds_who_asked_for_no_triggers(postgres: Postgres, stack: Stack) -> None:
    """A database whose sessions skip ordinary triggers does not slip past ours, and our own write shows it."""
    postgres.execute("ALTER DATABASE app SET session_replication_role = 'replica'")
    try:
        with ThreadPoolExecutor(1) as pool:
            with postgres.held_commits("users"):
                answer = pool.submit(psql, stack, "UPDATE users SET name = 'Ana' WHERE id = 7")
                eventually(postgres.waiting, within=20, what="the writer waits")
                assert not answer.done()
            answer.result(30)
    finally:
        postgres.execute("ALTER DATABASE app RESET session_replication_role")


def test_a_lever_that_does_not_hold_is_our_error(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a write of ours comes through, the check errs instead of blaming who did not wait."""
    monkeypatch.setattr("grader.brokers.postgres.probe.HOLDING", "BEGIN RETURN NULL; END")
    with pytest.raises(GraderError, match="our own write came through"), postgres.held_commits("users"):
        pytest.fail("nobody may be judged by it")
    monkeypatch.undo()
    with postgres.held_commits("users"):
        pass


def test_a_server_that_is_away_is_an_error_that_checks_expect(postgres: Postgres, stack: Stack) -> None:
    """Stopped or frozen; the log's settings are still in force after it has come back."""
    faults = Faults(stack, lambda *_: None)
    for fault in (faults.killed("db"), faults.paused("db")):
        with fault:
            assert not postgres.ready()
            began = stack.clock()
            with pytest.raises(POSTGRES_ERRORS):
                postgres.rows("SELECT 1")
            assert stack.clock() - began < 15
        eventually(postgres.ready, within=60, what="back")
    with postgres.window() as window:
        psql(stack, "SELECT count(*) FROM users")
    assert [s.text for s in window.statements] == ["SELECT count(*) FROM users"]
