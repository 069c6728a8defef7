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
MAX_HOUSEKEEPING = 20_000

_LINE = re.compile(
    r"(?P<at>\d{9,}\.\d+) \[(?P<pid>\d+)\] (?P<host>\S*) ?(?P<level>[A-Z]+[0-9]?):  ?(?P<text>.*)", re.DOTALL
)
_STATEMENT = re.compile(r"(?:statement|execute [^:\n]*|fastpath function call):\s?(?P<text>.*)", re.DOTALL)
_COMMENTS = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
# What connection pools and drivers say on their own account: it neither reads nor changes data.
_CONTROL = re.compile(
    r"(begin|start transaction|commit|end|rollback|abort|savepoint|release|set|reset|show|discard|prepare|deallocate"
    r"|listen|unlisten|close)\b.*",
    re.DOTALL,
)
_CHECK = re.compile(
    r"select\s+(1|true|now\s*\(\s*\)|current_timestamp|current_database\s*\(\s*\)|current_schema(s|\s*\(.*\))?"
    r"|(pg_catalog\.)?version\s*\(\s*\)|(pg_catalog\.)?set_config\s*\(.*\)|pg_is_in_recovery\s*\(\s*\)|'[^']*')"
    r"(\s*::\s*\w+|\s+as\s+\"?[\w?]+\"?)*",
    re.DOTALL,
)
_FROM = re.compile(
    r"\b(?:from|join)\s(.*?)(?=[();]|\b(?:where|join|on|using|left|right|full|inner|cross|natural|group|order|having"
    r"|limit|union|into)\b|$)"
)
_CATALOGUE = re.compile(r"\s*(only\s+|lateral\s+)?(\"?(pg_|information_schema)|$)")


class Entry(NamedTuple):
    """An entry of the log: seconds since 1970, process, address ("[local]", "" for the server's own), level, text."""

    at: float
    pid: int
    host: str
    level: str
    text: str


class Logged(NamedTuple):
    """A statement as logged; `detail`: its parameters."""

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


def is_housekeeping(text: str) -> bool:
    """Say whether a statement is a pool's or a driver's own: a liveness check, a transaction's edge, a setting.

    Statements that read the server's own catalogues only are drivers' as well (types, versions).
    """
    if len(text) > MAX_HOUSEKEEPING:
        return False
    bare = " ".join(_COMMENTS.sub(" ", text).split())
    parts = [part.strip().lower() for part in bare.split(";") if part.strip()]
    return all(_CONTROL.fullmatch(p) or _CHECK.fullmatch(p) or _reads_catalogue(p) for p in parts)


def _reads_catalogue(statement: str) -> bool:
    if not statement.startswith(("select", "with")):
        return False
    sources = [source for clause in _FROM.findall(statement) for source in clause.split(",")]
    return any(s.strip() for s in sources) and all(_CATALOGUE.match(s) for s in sources)
