"""PostgreSQL as the grader sees it: its own short connections, the server's log, and locks that hold things still."""

from __future__ import annotations

import contextlib
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from grader.brokers.postgres import BROKER, statement_log
from grader.errors import GraderError
from grader.model.stores import Backend, Statement
from grader.model.text import msg
from grader.polling import DeadlineError, eventually, quiet_for
from grader.probes.addresses import names_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from grader.model.stores import Effect
    from grader.probes.reach import Container, Stack
    from grader.probes.recorder import Recorder

NAME = "grader"
MAINTENANCE = "postgres"  # the database that every server has
PATIENCE_S = 5
STATEMENT_S = 20
LOCK_S = 10
TRIED_MS = 200  # for what must not come through
IN_FORCE_S = 15.0
LOG_S = 20.0
LOG_LINES = 400
MOST_LOG_LINES = 400_000
HOLD = 0x67726164  # the advisory lock that holds commits
HOLDING = f"BEGIN PERFORM pg_advisory_xact_lock_shared({HOLD}); RETURN NULL; END"
# What the server brought along (its numbers end at 16383) under names that nothing of the submission has as well:
# a namesake in another schema may be what is called.
_OWN_RELATIONS = """
    SELECT s.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
    WHERE c.oid < 16384 AND s.nspname IN ('pg_catalog', 'information_schema') AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_class o WHERE o.relname = c.relname AND o.oid >= 16384)
"""
_OWN_FUNCTIONS = """
    SELECT p.proname FROM pg_catalog.pg_proc p GROUP BY p.proname
    HAVING bool_and(p.oid < 16384 AND p.pronamespace = 'pg_catalog'::regnamespace)
"""
# A server that is away, starting, stopping, or cannot do a right statement of ours.
POSTGRES_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError, OSError)
# A right statement of ours that does not fit the submission's tables or rights.
SCHEMA_ERRORS = (
    psycopg.IntegrityError,
    psycopg.DataError,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.DatatypeMismatch,
    psycopg.errors.WrongObjectType,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.RaiseException,
)


class StatementWindow:
    """What was asked of the server between two marks of ours; `statements` is complete once the block has ended.

    Not in it: the grader's own statements, those over the database container's own socket, and what touches no data
    (`grader.brokers.postgres.touching`): connection pools and drivers say much on their own account.
    """

    def __init__(self) -> None:
        self.statements: tuple[Statement, ...] = ()

    def of(self, service: str, *, but: Collection[str] = ()) -> tuple[Statement, ...]:
        """Return the statements that containers of one service sent, but those in which one of these words stands."""
        sent = (s for s in self.statements if s.actor.rpartition("-")[0] == service)
        return tuple(s for s in sent if not any(word in s.text or word in s.detail for word in but))

    def about(self, word: str, service: str = "") -> tuple[Statement, ...]:
        """Return the statements (of one service) in whose text or parameters `word` stands."""
        chosen = self.of(service) if service else self.statements
        return tuple(s for s in chosen if word in s.text or word in s.detail)


class Postgres:
    """A probe of one server: `service` is its name in the compose file, `database` the contract's."""

    def __init__(
        self,
        stack: Stack,
        recorder: Recorder,
        service: str = "db",
        *,
        port: int = BROKER.port,
        database: str = MAINTENANCE,
    ) -> None:
        self._stack = stack
        self._port = port
        self._recorder = recorder
        self.service = service
        self.database = database
        self._login: tuple[str, str] | None = None
        self._own: set[str] = set()  # our addresses as the server sees them
        self._collected: bool | None = None  # whether the log goes to a file of its own

    def ready(self) -> bool:
        """Say whether the server lets us in, be it that the contract's database is not there."""
        return self.has_database() is not None

    def has_database(self) -> bool | None:
        """Say whether the contract's database is there; None while no server lets us in."""
        if self._lets_in(self.database):
            return True
        if not self._lets_in(MAINTENANCE):
            return None
        return self._lets_in(self.database)  # it may have been starting when we asked first

    @contextmanager
    def session(self, *, database: str = "", patience_s: int = PATIENCE_S) -> Iterator[psycopg.Connection[Any]]:
        """Open a connection of our own in autocommit mode. Raises POSTGRES_ERRORS and SCHEMA_ERRORS."""
        host, port = self._stack.address(self.service, self._port)
        user, password = self._credentials()
        connection = psycopg.connect(
            host=host,
            hostaddr=host,
            port=port,
            user=user,
            password=password,
            dbname=database or self.database,
            application_name=NAME,
            connect_timeout=patience_s,
            sslmode="disable",
            gssencmode="disable",
            options=f"-c statement_timeout={STATEMENT_S}s -c lock_timeout={LOCK_S}s"
            " -c idle_in_transaction_session_timeout=0 -c search_path=public",
            autocommit=True,
            prepare_threshold=None,
        )
        try:
            yield connection
        finally:
            # The server may have gone away meanwhile: what was asked is done by then.
            with contextlib.suppress(*POSTGRES_ERRORS):
                connection.close()

    def rows(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a query with `%s` parameters over a connection of its own and return all rows."""
        with self.session() as connection:
            return connection.execute(query.encode(), params or None).fetchall()

    def execute(self, query: str, *params: Any) -> int:
        """Run a statement with `%s` parameters over a connection of its own; return how many rows it concerned."""
        with self.session() as connection:
            return connection.execute(query.encode(), params or None).rowcount

    def log_statements(self) -> None:
        """Make the server log every statement, and wait until that is in force. Raises GraderError."""
        with self.session() as connection:
            for name, value in statement_log.SETTINGS.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("SELECT pg_reload_conf()")

        def wrong() -> dict[str, str]:
            found = dict(self.rows("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", list(_wanted)))
            return {name: found.get(name, "") for name, value in _wanted.items() if found.get(name) != value}

        _wanted = {name: statement_log.SETTINGS[name] for name in ("log_statement", "log_line_prefix")}
        try:
            eventually(lambda: not wrong(), within=IN_FORCE_S, every=0.05, what="statements are logged")
        except DeadlineError as error:
            raise GraderError(msg("PostgreSQL does not take our settings: %(names)s", names=str(wrong()))) from error

    @contextmanager
    def window(self) -> Iterator[StatementWindow]:
        """Collect what is asked of the server while the block runs; its log is switched on where it is not yet.

        What the submission does without anybody waiting for it may come after the block: end it with something on
        the same path that must show, and look for that. Raises GraderError when the log does not show our marks.
        """
        found = StatementWindow()
        names = names_of(self._stack)
        begin, logs = self._mark()
        if not logs:
            self.log_statements()
            begin, _ = self._mark()
        yield found
        end, _ = self._mark()
        logged = self._logged(begin, end)
        names |= names_of(self._stack)  # containers may have come; what has gone keeps its name
        epoch = time.time() - self._recorder.clock()
        others = [s for s in logged if s.host not in self._own and s.host != "[local]"]
        effects = self._effects({(s.text, s.detail) for s in others})
        found.statements = tuple(
            Statement(s.at - epoch, names.get(s.host, ""), s.text, s.detail, effect)
            for s in others
            if (effect := effects[s.text, s.detail])
        )

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Hold a table: whoever reads or writes it waits until the block ends."""
        with self.session() as connection, connection.transaction(force_rollback=True):
            lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table))
            connection.execute(lock)
            self._held(lock)
            self._recorder.note("grader", "note", actor=self.service, text=f"LOCK TABLE {table}")
            yield
            self._recorder.note("grader", "note", actor=self.service, text=f"LOCK TABLE {table}: ROLLBACK")

    @contextmanager
    def held_commits(self, table: str) -> Iterator[None]:
        """Hold the commit of whatever changes rows of a table: it is not visible, and whoever writes it waits.

        Readers see the old rows meanwhile. The writers go on when the block ends.
        """
        name = sql.Identifier(table)
        with self.session() as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS grader")
            connection.execute(
                f"CREATE OR REPLACE FUNCTION grader.hold() RETURNS trigger LANGUAGE plpgsql AS '{HOLDING}'"
            )
            connection.execute(sql.SQL("DROP TRIGGER IF EXISTS grader_hold ON {}").format(name))
            connection.execute("SELECT pg_advisory_lock(%s)", (HOLD,))
            connection.execute(
                sql.SQL(
                    "CREATE CONSTRAINT TRIGGER grader_hold AFTER INSERT OR UPDATE OR DELETE ON {}"
                    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION grader.hold()"
                ).format(name)
            )
            # Whatever a database or a session sets (session_replication_role): it holds those as well.
            connection.execute(sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER grader_hold").format(name))
            self._held(
                sql.SQL("UPDATE {0} SET {1} = {1} WHERE ctid = (SELECT ctid FROM {0} LIMIT 1)").format(
                    name, sql.Identifier(self._first_column(table))
                )
            )
            self._recorder.note("grader", "note", actor=self.service, text=f"{table}: COMMIT ⏸")
            try:
                yield
            finally:
                self._recorder.note("grader", "note", actor=self.service, text=f"{table}: COMMIT ▶")
                # A lock that is free holds nobody: a trigger that cannot be removed now is harmless.
                with contextlib.suppress(*POSTGRES_ERRORS):
                    connection.execute("SELECT pg_advisory_unlock_all()")
                    connection.execute(sql.SQL("DROP TRIGGER IF EXISTS grader_hold ON {}").format(name))

    def _held(self, statement: sql.Composed) -> None:
        """Try our own lever with a transaction of ours. Raises GraderError if it comes through."""
        try:
            with self.session() as connection, connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = {TRIED_MS}")
                changed = connection.execute(statement).rowcount
        except psycopg.errors.LockNotAvailable:
            return
        if changed:
            raise GraderError(
                msg("The table of %(service)s is not held: our own write came through.", service=self.service)
            )

    def _first_column(self, table: str) -> str:
        ((column,),) = self.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " AND attgenerated = '' AND attidentity = '' ORDER BY attnum LIMIT 1",
            table,
        )
        return str(column)

    def waiting(self) -> tuple[Backend, ...]:
        """Return the submission's connections that wait for a lock (`locked`, `held_commits`), by process."""
        # The server copies what its connections say of themselves, and looks only then whether they wait: who began to
        # in between still says what it did before. Whoever waits through a second look says what it waits with.
        before = {pid for pid, *_ in self._waiting()}
        found = [each for each in self._waiting() if each[0] in before] if before else []
        names = names_of(self._stack)
        return tuple(Backend(pid, names.get(address or "", ""), query) for pid, address, query in found)

    def queued_up(self, within: float, *, quiet: float) -> int:
        """Wait until connections wait for a lock, then until no more join them; return how many do at last.

        Either wait ends at its deadline: whether enough of them came is for the check to say.
        """
        with contextlib.suppress(DeadlineError):
            eventually(self.waiting, within=within, every=0.1, what="connections wait")
            return quiet_for(lambda: len(self.waiting()), quiet=quiet, within=within, every=0.1)
        return len(self.waiting())

    def _waiting(self) -> list[tuple[Any, ...]]:
        """Return process, address and statement of what waits for a lock, as one look has it."""
        return self.rows(
            "SELECT pid, host(client_addr), query FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND application_name <> %s ORDER BY pid",
            NAME,
        )

    def _mark(self) -> tuple[str, bool]:
        """Put a statement of ours into the log; return it, and whether the server logs statements.

        Under which address the server sees us is learnt at the same time.
        """
        mark = statement_log.MARK + secrets.token_hex(8)
        ((_, own, logs),) = self.rows(
            f"SELECT '{mark}', host(inet_client_addr()),"
            " current_setting('log_statement') = 'all' AND current_setting('log_line_prefix') = %s",
            statement_log.PREFIX,
        )
        if own:
            self._own.add(own)
        return mark, bool(logs)

    def _effects(self, said: set[tuple[str, str]]) -> dict[tuple[str, str], Effect]:
        """Return what each statement, with what the log says beside it, does to data."""
        if not said:
            return {}
        from grader.brokers.postgres import touching  # noqa: PLC0415 - the parser takes its time to import

        own = touching.Catalogue(
            frozenset((schema, name) for schema, name in self.rows(_OWN_RELATIONS)),
            frozenset(name for (name,) in self.rows(_OWN_FUNCTIONS)),
        )
        return {(text, detail): touching.effect_of(text, detail, own) for text, detail in said}

    def _lets_in(self, database: str) -> bool:
        try:
            with self.session(database=database, patience_s=2):
                return True
        except POSTGRES_ERRORS:
            return False

    def _logged(self, begin: str, end: str) -> list[statement_log.Logged]:
        """Return what the log shows between two marks, once it shows them."""
        tail = LOG_LINES

        def look() -> tuple[list[statement_log.Logged]] | None:
            nonlocal tail
            logged = statement_log.statements(self._log(tail))
            found = statement_log.between(logged, begin, end)
            if found is None and not any(begin in s.text for s in logged):
                tail = min(4 * tail, MOST_LOG_LINES)
            return None if found is None else (found,)

        try:
            return eventually(look, within=LOG_S, every=0.05, what="the log shows our marks")[0]
        except DeadlineError as error:
            raise GraderError(
                msg("The log of %(service)s does not show our own statements.", service=self.service)
            ) from error

    def _log(self, tail: int) -> tuple[str, ...]:
        """Return the last lines of the server's log: its output, or the file that it was told to write instead."""
        if self._collected is None:
            ((collector,),) = self.rows("SHOW logging_collector")
            self._collected = collector == "on"
        if not self._collected:
            return self._container().logs(tail)
        most = tail * 200
        ((text,),) = self.rows(
            "SELECT pg_read_file(name, greatest(0, (pg_stat_file(name)).size - %s), %s)"
            " FROM pg_current_logfile('stderr') AS name",
            most,
            most,
        )
        return tuple(str(text).splitlines())

    def _credentials(self) -> tuple[str, str]:
        """Return user and password as the container's environment says. Raises GraderError."""
        if self._login is None:
            container = self._container()
            environment = container.environment()
            user = _value(container, environment, "POSTGRES_USER") or "postgres"
            self._login = user, _value(container, environment, "POSTGRES_PASSWORD")
        return self._login

    def _container(self) -> Container:
        containers = self._stack.containers(self.service)
        if not containers:
            raise GraderError(msg("The database's container is gone: %(service)s", service=self.service))
        return containers[0]


def _value(container: Container, environment: dict[str, str], name: str) -> str:
    """Return a variable of the official image, or what stands in the file that `<name>_FILE` names."""
    path = environment.get(f"{name}_FILE", "")
    if environment.get(name) or not path:
        return environment.get(name, "")
    try:
        code, output = container.exec(["cat", path])
    except DeadlineError as error:
        raise ConnectionError(str(error)) from error
    if code != 0:  # it does not run (yet)
        raise ConnectionError(output.strip()[-200:])
    return output.rstrip("\r\n")
