"""A table of a contract: its rows under the ids of this run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from grader.brokers.postgres import BROKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.authoring.environment import Environment
    from grader.brokers.postgres.probe import Postgres


class Row(msgspec.Struct, frozen=True):
    """A row besides its id: an assignment's own class lists the columns, with their types."""

    def __str__(self) -> str:
        """The row's values by their columns."""
        return ", ".join(f"{name}={value!r}" for name, value in msgspec.structs.asdict(self).items())


R = TypeVar("R", bound=Row)


class WatchedTable(Generic[R]):
    """A table whose rows have ids that their sender chose; those without the run's nonce are left alone.

    key: the column of the ids. by: the column that says who wrote a row, container: whom it names. Whoever asks for the
    rows notes each in the record that was not seen before.
    """

    def __init__(
        self,
        environment: Environment,
        table: str,
        key: str,
        row: type[R],
        *,
        by: str,
        container: Callable[[str | None], str | None],
    ) -> None:
        self._postgres: Postgres = environment.probe(BROKER.role)
        self._recorder = environment.recorder
        self._table, self._key, self._row = table, key, row
        self._by, self._container = by, container
        self._ours = f"{environment.nonce}-%"
        self._seen: set[str] = set()

    def rows(self) -> dict[str, R]:
        """Return the rows by their ids. Raises POSTGRES_ERRORS and SCHEMA_ERRORS, as the following does."""
        columns = ", ".join((self._key, *self._row.__struct_fields__))
        query = f"SELECT {columns} FROM {self._table} WHERE {self._key} LIKE %s"  # noqa: S608 - the contract's names
        rows = {key: self._row(*values) for key, *values in self._postgres.rows(query, self._ours)}
        for key in rows.keys() - self._seen:
            named = getattr(rows[key], self._by)
            actor = self._container(named) or ""
            self._recorder.note("db", "row", subject=key, actor=actor, **{self._by: named})
        self._seen |= rows.keys()
        return rows

    def doubled(self) -> list[str]:
        """Return the ids that have several rows, which a table without its primary key lets in."""
        found = self._postgres.rows(
            f"SELECT {self._key} FROM {self._table} WHERE {self._key} LIKE %s"  # noqa: S608 - the contract's names
            f" GROUP BY {self._key} HAVING count(*) > 1 ORDER BY 1",
            self._ours,
        )
        return [key for (key,) in found]
