"""Files of variables: .env and those that env_file names, read without a look at our own environment."""

from __future__ import annotations

import re

import msgspec

from grader.model.text import msg
from grader.policy.collect import Collector, Place
from grader.policy.document.interpolate import InterpolationError, expand

MAX_BYTES = 64 * 1024
MAX_VALUES = 1 << 20  # characters in all: a value may repeat earlier ones
_TOO_LARGE = msg("The values grow too large when their variables are replaced.")
_LINE = re.compile(
    r"\s*(?:export\s+)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.\-\[\]]*)\s*(?P<sep>[=:])?[ \t]*(?P<rest>.*)\Z", re.DOTALL
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}

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
    """A line of such a file; `value` is None for a bare name."""

    name: str
    value: str | None
    line: int


def steers_tools(name: str) -> bool:
    """Say whether a variable of this name would steer Compose, Docker or the system rather than the submission."""
    return bool(_STEERS_TOOLS.match(name))


def parse(data: bytes, file: str, known: dict[str, str], out: Collector) -> list[Variable]:
    """Read the variables of a file; later lines may use earlier ones and what is `known`."""
    if len(data) > MAX_BYTES:
        out.add(
            "error", "env-too-large", Place(file), msg("The file is larger than %(limit)d KiB.", limit=MAX_BYTES >> 10)
        )
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        out.add("error", "not-utf8", Place(file), msg("The file is not text in UTF-8."))
        return []
    lines = text.replace("\r\n", "\n").split("\n")
    found: list[Variable] = []
    values = dict(known)
    at = size = 0
    while at < len(lines):
        number, line = at + 1, lines[at]
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line)
        if not match or (not match["sep"] and match["rest"].strip()):
            out.add("error", "env-syntax", Place(file, number), msg("This line is not of the form NAME=value."))
            continue
        if not match["sep"]:
            found.append(Variable(match["name"], None, number))
            continue
        raw, literal, at = _raw_value(match["rest"], lines, at)
        try:
            value = raw if literal else expand(raw, values)
        except InterpolationError as error:
            out.add("error", error.code, Place(file, number), error.message)
            continue
        size += len(value)
        if size > MAX_VALUES:
            out.add("error", "env-too-large", Place(file, number), _TOO_LARGE)
            break
        found.append(Variable(match["name"], value, number))
        values[match["name"]] = value
    return found


def _raw_value(rest: str, lines: list[str], at: int) -> tuple[str, bool, int]:
    """Return the value as written, whether it is literal (single quotes), and the next line to read."""
    quote = rest[:1]
    if quote not in {"'", '"'} or not quote:
        return re.split(r"(?:^|\s)#", rest, maxsplit=1)[0].strip(), False, at
    pieces = [rest[1:]]
    begun = at
    end = _quote_end(pieces[0], quote)
    while end < 0 and at < len(lines):
        pieces.append(lines[at])  # each line is looked at once, however many there are
        end = _quote_end(lines[at], quote)
        at += 1
    if end < 0:  # never closed: the quote is an ordinary character of this line
        return rest.strip(), True, begun
    body = "\n".join([*pieces[:-1], pieces[-1][:end]])
    if quote == "'":
        return body, True, at
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), body, flags=re.DOTALL), False, at


def _quote_end(body: str, quote: str) -> int:
    """Return where the quote closes in a line, -1 if it does not; a backslash at the line's end escapes the break."""
    escaped = False
    for position, character in enumerate(body):
        if character == quote and not escaped:
            return position
        escaped = character == "\\" and not escaped and quote == '"'
    return -1
