"""Files of variables: .env and those that env_file names, read as Compose does, but for the environment of ours."""

from __future__ import annotations

import re
from collections import ChainMap
from typing import TYPE_CHECKING

import msgspec

from grader.model.text import Text, msg
from grader.policy.collect import Collector, Place
from grader.policy.document.interpolate import InterpolationError, expand

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 64 * 1024
MAX_VALUES = 1 << 20  # characters in all: a value may repeat earlier ones
_TOO_LARGE = msg("The values grow too large when their variables are replaced.")
_NO_LINE = msg("This line is not of the form NAME=value.")
_BEHIND = msg("Something stands behind the closing quote that is no NAME=value.")
_OPEN = msg("The quote that opens here is not closed.")
_BLANK = " \t\v\f\r\x85\xa0"
_KEY = re.compile(rf"(?P<name>[\w.\-\[\]{_BLANK}]*)(?P<end>[=:\n]|\Z)")
_EXPORT = re.compile(rf"export(?=\s)[{_BLANK}]*")
_BETWEEN = re.compile(r"\s+|#[^\n]*")
_QUOTED = {
    quote: re.compile(rf"{quote}(?P<body>[^{quote}\\]*+(?:\\.[^{quote}\\]*+)*+){quote}", re.DOTALL) for quote in "'\""
}
_ESCAPE = re.compile(r"\\(?:([abfnrtv$\"\\])|0([0-9]{0,3}))")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$$"}
_NO_TEXT = re.compile("[\udc80-\udcff]")

_STEERS_TOOLS = re.compile(
    r"(BUILDKIT_|BUILDX_|BUILDAH_|LD_|BAKE_)|(PATH|HOME)\Z|[A-Za-z_]*_PROXY\Z"
    r"|COMPOSE_((ANSI|API_VERSION|BAKE|ENV_FILES|FILE|HTTP_TIMEOUT|INTERACTIVE_NO_CLI|MENU|PARALLEL_LIMIT|PATH_SEPARATOR"
    r"|PROFILES|PROGRESS|PROJECT_DIRECTORY|PROJECT_NAME|STATUS_STDOUT|TLS_VERSION)\Z"
    r"|(CONVERT|DISABLE|DOCKER|EXPERIMENTAL|FORCE|IGNORE|REMOVE)_)"
    r"|DOCKER_((API_VERSION|BUILDKIT|CERT_PATH|CONFIG|CONTEXT|HOST)\Z|(AUTH|CLI|CONTENT|CUSTOM|DEFAULT|TLS))"
    r"|GIT_(ALLOW|ALTERNATE|ASKPASS|ATTR|CEILING|COMMON_DIR|CONFIG|DIR\Z|DISCOVERY|EDITOR|EXEC|EXTERNAL|INDEX|NAMESPACE"
    r"|NO_|OBJECT|PAGER|PROTOCOL|PROXY|QUARANTINE|SEQUENCE|SSH|SSL|TEMPLATE|TERMINAL|TRACE|WORK_TREE)"
    r"|SSH_(AGENT|ASKPASS|AUTH)|SSL_CERT_(DIR|FILE)\Z",
    re.IGNORECASE,
)  # not DOCKER_TAG, COMPOSE_DB_USER or GIT_COMMIT, which are names of a submission's own


class Variable(msgspec.Struct, frozen=True):
    """A line of such a file; `value` is None for a bare name, which takes over what is known of it.

    Compose lets a name be empty (=value); it takes a bare name for such a value where the last line has no end.
    """

    name: str
    value: str | None
    line: int


class _LineError(Exception):
    """A line that cannot be taken: a stable code, what is wrong, how to mend it better than by the code's remedy."""

    def __init__(self, code: str, message: Text, remedy: Text | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.remedy = remedy


_NOT_TEXT = _LineError("not-utf8", msg("The file is not text in UTF-8."))


def steers_tools(name: str) -> bool:
    """Say whether a variable of this name would steer Compose, Docker or the system rather than the submission."""
    return bool(_STEERS_TOOLS.match(name))


def parse(
    data: bytes, file: str, known: Mapping[str, str], out: Collector, earlier: Mapping[str, str] | None = None
) -> list[Variable]:
    """Read the variables of a file.

    A value may use what is `known`, then what stands above it, then what files `earlier` than this one say.
    """
    if len(data) > MAX_BYTES:
        out.add(
            "error", "env-too-large", Place(file), msg("The file is larger than %(limit)d KiB.", limit=MAX_BYTES >> 10)
        )
        return []
    return _Reader(
        data.decode("utf-8-sig", "surrogateescape"), file, ChainMap({}, {**(earlier or {})}), known, out
    ).run()


def parse_raw(data: bytes, file: str, out: Collector) -> list[Variable]:
    """Read the variables of a file in which everything behind the = is the value, as it stands."""
    found: list[Variable] = []
    text = data.decode("utf-8-sig", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        name, equals, value = line.removesuffix("\r").lstrip().partition("=")
        place = Place(file, number)
        if _NO_TEXT.search(line):
            out.add("error", "not-utf8", place, _NOT_TEXT.message)
            break
        if not (name or equals) or name.startswith("#"):
            continue
        if not name or re.search(r"\s", name) or "\x00" in line:
            out.add("error", "env-syntax", place, _NO_LINE)
        else:
            found.append(Variable(name, value if equals else None, number))
    return found


class _Reader:
    """Reads a file from its beginning; a line that is wrong is said, and the next one read."""

    def __init__(
        self, text: str, file: str, above: ChainMap[str, str], known: Mapping[str, str], out: Collector
    ) -> None:
        self.text = text
        self.file = file
        self.out = out
        self.above = above
        self.values = ChainMap({**known}, above)
        self.found: list[Variable] = []
        self.at = 0
        self.line = 1
        self.behind = False  # a closing quote stands before, on the same line
        self.size = 0

    def run(self) -> list[Variable]:
        while self._next():
            line = self.line
            try:
                self._variable(line)
            except InterpolationError as error:
                self._wrong(line, _LineError(error.code, error.message))
            except _LineError as error:
                self._wrong(line, error)
                if error.code in {"env-too-large", "not-utf8"}:
                    break
        return self.found

    def _wrong(self, line: int, error: _LineError) -> None:
        self.out.add("error", error.code, Place(self.file, line), error.message, error.remedy)
        end = self.text.find("\n", self.at)
        self._go(len(self.text) if end < 0 else max(end, self.at))

    def _go(self, at: int) -> None:
        """Move on; the text before is read."""
        passed = self.text.count("\n", self.at, at)
        self.line += passed
        self.behind = self.behind and not passed
        self.at = at

    def _next(self) -> bool:
        """Move on to the next name; blanks and comments lie between."""
        while between := _BETWEEN.match(self.text, self.at):
            self._go(between.end())
        return self.at < len(self.text)

    def _variable(self, line: int) -> None:
        if export := _EXPORT.match(self.text, self.at):
            self._go(export.end())
            if self.at == len(self.text):
                raise _LineError("env-syntax", _NO_LINE)
        key = _KEY.match(self.text, self.at)
        name = key["name"].rstrip() if key else ""
        if not key or (key["end"] and " " in name):
            if _NO_TEXT.search(self._rest()):
                raise _NOT_TEXT
            raise _LineError("env-syntax", _BEHIND if self.behind else _NO_LINE)
        if not key["end"]:
            name = ""
        elif key["end"] == "\n":
            self._go(key.end() - 1)
            if name:
                self._add(name, None, line)
            return
        else:
            self._go(key.end())
        self._add(name, self._value(), line)

    def _rest(self) -> str:
        end = self.text.find("\n", self.at)
        return self.text[self.at : len(self.text) if end < 0 else end]

    def _value(self) -> str:
        """Read what stands behind the = and move on behind it."""
        while self.at < len(self.text) and self.text[self.at] in _BLANK:
            self.at += 1
        quote = self.text[self.at : self.at + 1]
        if quote not in _QUOTED:
            raw = self._rest()
            self._go(self.at + len(raw))
            return expand(raw.partition(" #")[0].rstrip(), self.values)
        quoted = _QUOTED[quote].match(self.text, self.at)
        if not quoted:
            raise _LineError("env-syntax", _OPEN, msg("Close the quote, or leave both out."))
        self._go(quoted.end())
        self.behind = True
        body = quoted["body"].replace(f"\\{quote}", quote)
        return body if quote == "'" else expand(_ESCAPE.sub(_escaped, body), self.values)

    def _add(self, name: str, value: str | None, line: int) -> None:
        if _NO_TEXT.search(name + (value or "")):
            raise _NOT_TEXT
        if "\x00" in (value or ""):
            raise _LineError("env-syntax", msg("The value holds a NUL character."))
        self.size += len(value or "")
        if self.size > MAX_VALUES:
            raise _LineError("env-too-large", _TOO_LARGE)
        self.found.append(Variable(name, value, line))
        if value is not None:
            self.above[name] = value


def _escaped(match: re.Match[str]) -> str:
    if match[1]:
        return _ESCAPES.get(match[1], match[1])
    octal = re.fullmatch("[0-3][0-7]{2}", match[2])
    return chr(int(match[2], 8)) if octal else f"\\{match[2]}"  # Compose loses the 0 then
