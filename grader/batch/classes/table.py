"""A CSV file as people save it, record by record, and the error that names the line of what is wrong in it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NoReturn

from grader.batch.classes import columns
from grader.errors import UsageError
from grader.intake import names
from grader.model.text import Text, msg
from grader.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BYTES = 16 * 1024 * 1024


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of the file that are not blank, each with the line on which it begins."""
    text = _text(path)
    skipped = 0
    if text[:4].lower() == "sep=":  # what spreadsheets write before the header
        text = text.partition("\n")[2]
        skipped = 1
    mark = columns.delimiter(text.lstrip("\r\n").partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins + skipped, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        wrong(
            path,
            begins + skipped,
            msg("%(file)s, line %(line)d: a cell's quotes are not closed, or it is no text (%(why)s).", why=str(error)),
            error,
        )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise UsageError(
            msg("%(path)s cannot be read: %(why)s.", path=one_line(str(path)), why=why or str(error))
        ) from error
    if len(data) > _BYTES:
        raise UsageError(
            msg("%(file)s is larger than %(limit)d MiB: no roster.", file=names.shown(path.name), limit=_BYTES >> 20)
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong(path, line, msg("%(file)s, line %(line)d: this is no UTF-8. Save the file as “CSV UTF-8”."), error)


def wrong(path: Path, line: int, what: Text, cause: Exception | None = None) -> NoReturn:
    """Raise the error for a line; `what` leaves file and line open."""
    raise UsageError(Text(what.msgid, {"file": names.shown(path.name), "line": line, **what.params})) from cause
