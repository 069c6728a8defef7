"""The journal of a class: who handed in what and every result, in SQLite, one transaction a result.

A process that is killed at any moment leaves whole results only, and the next one goes on from them. A result belongs
to a content, an assignment and a grader, not to a student: the same files are graded once.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec

from grader.errors import GraderError, UsageError
from grader.model import portable
from grader.model.classroom import Entry, Summary
from grader.model.grade import Result
from grader.model.text import msg
from grader.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE = "journal.sqlite"
_VERSION = 1
_BUSY_S = 30.0
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE attempts (
    student TEXT NOT NULL, attempt INTEGER NOT NULL, place INTEGER NOT NULL, entry TEXT NOT NULL,
    content TEXT NOT NULL DEFAULT '', sketch BLOB,
    pages TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (student, attempt)
) STRICT;
CREATE TABLE results (
    id INTEGER PRIMARY KEY, content TEXT NOT NULL, rubric TEXT NOT NULL, grader TEXT NOT NULL,
    summary TEXT NOT NULL, audit TEXT NOT NULL, result BLOB NOT NULL,
    UNIQUE (content, rubric, grader)
) STRICT;
CREATE INDEX results_by_content ON results (content, id);
"""


class Key(msgspec.Struct, frozen=True):
    """What a result belongs to: digests of the submission's content, the assignment's rubric, and the grader."""

    content: str
    rubric: str
    grader: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the class with the content it had when it was last read ("" if it was not yet).

    pages: which pages were written for it (the engine's own word for it, "" for none).
    """

    entry: Entry
    content: str = ""
    pages: str = ""


class Journal:
    """An open journal; use it as a context manager. One process writes, others may read.

    Raises UsageError for a file that is no journal or of a newer grader, GraderError when the disk is full or fails.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._db = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")  # what is read anew by the next run needs no more
            self._prepare()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise self._trouble(error) from error
            raise UsageError(
                msg("%(file)s is not a journal of the grader; choose another --out.", file=str(file))
            ) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def remember(self, **settings: Any) -> None:
        """Keep settings (plain data or structs) that a later report needs."""
        with self._transaction():
            for name, value in settings.items():
                self._db.execute(
                    "INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, portable.encode(value).decode())
                )

    def setting(self, name: str, kind: type[msgspec.Struct] | type[str]) -> Any:
        """Return a setting as `kind`, or None."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return msgspec.json.decode(row[0], type=kind) if row else None

    def place(self, entries: Iterable[Entry]) -> None:
        """Make these the class, in this order. What is known of contents stays until it is read anew."""
        with self._transaction():
            rows = self._db.execute("SELECT student, attempt, content, sketch, pages FROM attempts")
            known = {tuple(row[:2]): row[2:] for row in rows}
            self._db.execute("DELETE FROM attempts")
            for place, entry in enumerate(entries):
                before = known.get((entry.student, entry.attempt), ("", None, ""))
                self._db.execute(
                    "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (entry.student, entry.attempt, place, portable.encode(entry).decode(), *before),
                )

    def read(self, entry: Entry, content: str, sketch: bytes = b"") -> None:
        """Note which content an entry has."""
        with self._transaction():
            self._db.execute(
                "UPDATE attempts SET content = ?, sketch = ? WHERE student = ? AND attempt = ?",
                (content, sketch, entry.student, entry.attempt),
            )

    def wrote_pages(self, entry: Entry, pages: str) -> None:
        """Note which pages an entry has."""
        with self._transaction():
            self._db.execute(
                "UPDATE attempts SET pages = ? WHERE student = ? AND attempt = ?", (pages, entry.student, entry.attempt)
            )

    def write(self, key: Key, summary: Summary, audit: dict[str, Any], result: Result) -> None:
        """Add a result, in place of an earlier one for the same key."""
        data = zstd.compress(portable.encode(result), 6)
        with self._durable(), self._transaction():
            self._db.execute("DELETE FROM results WHERE (content, rubric, grader) = (?, ?, ?)", _key(key))
            self._db.execute(
                "INSERT INTO results (content, rubric, grader, summary, audit, result) VALUES (?, ?, ?, ?, ?, ?)",
                (*_key(key), portable.encode(summary).decode(), portable.encode(audit).decode(), data),
            )

    def known(self, key: Key) -> Summary | None:
        """Return what was found for exactly this content, assignment and grader."""
        row = self._db.execute(
            "SELECT summary FROM results WHERE (content, rubric, grader) = (?, ?, ?)", _key(key)
        ).fetchone()
        return msgspec.json.decode(row[0], type=Summary) if row else None

    def attempts(self) -> Iterator[Attempt]:
        """Yield the class in its order."""
        rows = self._db.execute("SELECT entry, content, pages FROM attempts ORDER BY place").fetchall()
        for entry, content, pages in rows:
            yield Attempt(entry=msgspec.json.decode(entry, type=Entry), content=content, pages=pages)

    def summaries(self) -> dict[str, Summary]:
        """Return the newest summary of each content of the class."""
        rows = self._db.execute(
            "SELECT content, summary FROM results WHERE id IN (SELECT max(id) FROM results GROUP BY content)"
        )
        return {found: msgspec.json.decode(summary, type=Summary) for found, summary in rows}

    def audits(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (content, audit) of every result, oldest first."""
        for found, audit in self._db.execute("SELECT content, audit FROM results ORDER BY id"):
            yield found, msgspec.json.decode(audit)

    def sketches(self) -> Iterator[tuple[str, bytes]]:
        """Yield (content, sketch) of the class, each content once."""
        yield from self._db.execute(
            "SELECT content, max(sketch) FROM attempts WHERE length(sketch) > 0 GROUP BY content"
        )

    def result(self, content: str) -> Result | None:
        """Return the newest whole result of a content."""
        row = self._db.execute(
            "SELECT result FROM results WHERE content = ? ORDER BY id DESC LIMIT 1", (content,)
        ).fetchone()
        return msgspec.json.decode(zstd.decompress(row[0]), type=Result) if row else None

    def _prepare(self) -> None:
        with self._transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == _VERSION:
                return
            if version > _VERSION:
                raise UsageError(
                    msg("%(file)s was written by a newer grader; use that one, or another --out.", file=str(self._file))
                )
            for statement in _SCHEMA.split(";\n"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_VERSION}")

    @contextlib.contextmanager
    def _durable(self) -> Iterator[None]:
        """Have what is committed on the disk before going on: a result cost minutes."""
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise self._trouble(error) from error
            raise

    def _trouble(self, error: sqlite3.Error) -> GraderError:
        return GraderError(
            msg("The journal %(file)s cannot be written: %(why)s.", file=str(self._file), why=str(error)),
            msg("Make room, or see who else uses it; the same command then goes on where it was."),
        )


def _key(key: Key) -> tuple[str, str, str]:
    return key.content, key.rubric, key.grader
