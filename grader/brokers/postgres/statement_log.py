"""PostgreSQL's own log of statements: which container asked what, read from the server's output.

Statistics views are seconds late and forget connections that close; the log has every statement, in order, at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# time in seconds since 1970, process, address: who calls itself what does not matter
PREFIX = "%n [%p] %h "
# ALTER SYSTEM for a complete log that can be parsed, whatever the submission has configured.
SETTINGS = {
    "log_destination": "stderr",
    "log_line_prefix": PREFIX,
    "log_statement": "all",
    "log_hostname": "off",
    "log_error_verbosity": "default",
    "log_min_messages": "warning",
    "lc_messages": "C",
}
MARK = "grader-mark-"

_LINE = re.compile(
    r"(?P<at>\d{9,}\.\d+) \[(?P<pid>\d+)\] (?P<host>\S*) ?(?P<level>[A-Z]+[0-9]?):  ?(?P<text>.*)", re.DOTALL
)
_STATEMENT = re.compile(r"(?:statement|execute [^:\n]*|fastpath function call):\s?(?P<text>.*)", re.DOTALL)


class Entry(NamedTuple):
    """An entry of the log: seconds since 1970, process, address ("[local]", "" for the server's own), level, text."""

    at: float
    pid: int
    host: str
    level: str
    text: str


class Logged(NamedTuple):
    """A statement as logged; `detail`: its parameters, or what EXECUTE runs ("prepare: …")."""

    at: float
    pid: int
    host: str
    text: str
    detail: str = ""


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Yield the log's entries; lines of other forms belong to the entry before (a statement of several lines)."""
    last: Entry | None = None
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            if last is not None:
                last = last._replace(text=last.text + "\n" + line.removeprefix("\t"))
            continue
        if last is not None:
            yield last
        last = Entry(float(found["at"]), int(found["pid"]), found["host"], found["level"], found["text"])
    if last is not None:
        yield last


def statements(lines: Iterable[str]) -> list[Logged]:
    """Return the statements in the order of the log, each with the parameters that follow it."""
    result: list[Logged] = []
    latest: dict[int, int] = {}  # process -> index of its last statement
    for entry in entries(lines):
        if entry.level == "LOG" and (found := _STATEMENT.fullmatch(entry.text)):
            latest[entry.pid] = len(result)
            result.append(Logged(entry.at, entry.pid, entry.host, found["text"].strip()))
        elif entry.level == "DETAIL" and entry.pid in latest:
            index = latest.pop(entry.pid)
            result[index] = result[index]._replace(detail=entry.text.strip())
        else:
            latest.pop(entry.pid, None)
    return result


def between(logged: list[Logged], begin: str, end: str) -> list[Logged] | None:
    """Return what stands between two marks, or None if the log does not show both."""
    first = next((n for n, s in enumerate(logged) if begin in s.text), None)
    last = next((n for n, s in enumerate(logged) if end in s.text), None)
    return None if first is None or last is None else logged[first + 1 : last]
