"""Environment of a service: its files, then its own values; nothing is ever inherited from the grader's machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grader.model.text import msg
from grader.policy.collect import Place
from grader.policy.document import dotenv
from grader.policy.document.nodes import Mapping, Node, Sequence
from grader.policy.files import content_budget, inside, read_bytes, relative
from grader.policy.rules import Table, items, judge_mapping, value
from grader.policy.values import as_bool, as_pairs, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping as Mapping_

    from grader.policy.collect import Collector
    from grader.policy.scope import Scope

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*\Z")
# with a value nothing else can be meant; in a mapping Compose keeps a blank at the end of the name
_UNUSUAL = re.compile(r"[A-Za-z0-9_][^\s=$\x00-\x1f\x7f-\x9f]{0,199} {0,9}\Z")
_ANY = re.compile(r"[^\s=$\x00-\x1f\x7f-\x9f]{1,200}\Z")  # what a file may call one
# every machine has them, so Compose would take them over, and nothing is taken over from ours
_OF_MACHINES = frozenset({"HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "USER"})
MAX_VARIABLES = 500
MAX_FILES = 20
_ENV_FILE: Table = {"path": value(as_text), "required": value(as_bool), "format": value(as_text)}


def judge_environment(scope: Scope, node: Node) -> dict[str, str | None]:
    """Return the variables of `environment`; a bare name takes its value from .env, or is not set (None)."""
    pairs = as_pairs(scope, node) or {}
    if _too_many(scope, len(pairs)):
        return {}
    found: dict[str, str | None] = {}
    for name, (given, line) in pairs.items():
        inner = scope.at(name, line)
        blank = isinstance(node, Sequence) and name.endswith(" ")
        if blank or not (_NAME if given is None else _UNUSUAL).match(name):
            inner.error(
                "environment-name",
                msg("%(name)s is not the name of a variable.", name=name[:60] or '""'),
                msg("Write NAME: value, or - NAME=value."),
            )
        elif not _changes_what_runs(inner, name):
            found[name] = _taken_over(scope, name, {}) if given is None else given
    return found


def _taken_over(scope: Scope, name: str, own: Mapping_[str, str]) -> str | None:
    """Return the value of a bare name, None for a variable that is not set."""
    known = {**own, **scope.project.variables}
    return known.get(name, "" if name in _OF_MACHINES else None)


def _too_many(scope: Scope, number: int) -> bool:
    if number > MAX_VARIABLES:
        scope.error("too-many", msg("%(path)s has more than %(limit)d entries.", path=scope.path, limit=MAX_VARIABLES))
    return number > MAX_VARIABLES


def changes_programs(name: str) -> bool:
    """Say whether a variable of this name has a say in which programs run."""
    return name.upper().startswith("LD_") or name in {"PATH", "BASH_ENV", "ENV"}


def _changes_what_runs(scope: Scope, name: str) -> bool:
    if not (scope.under_test and changes_programs(name)):
        return False
    scope.error(
        "witness-changed",
        msg("%(name)s would change the programs of %(service)s.", name=name, service=scope.service),
    )
    return True


def judge_env_file(scope: Scope, node: Node, environment: Mapping_[str, str | None]) -> dict[str, str]:
    """Return the variables of the files named by `env_file`, later files first in precedence.

    Their values may use the variables of .env, then what `environment` says, then what stands above.
    """
    found: dict[str, str] = {}
    if len(items(node)) > MAX_FILES:
        scope.error("too-many", msg("%(path)s has more than %(limit)d entries.", path=scope.path, limit=MAX_FILES))
        return found
    for i, item in enumerate(items(node)):
        inner = scope.at(i, item.line)
        required = True
        raw = False
        if isinstance(item, Mapping):
            parts = judge_mapping(inner, item, _ENV_FILE)
            text: Any = parts.get("path", "")
            required = parts.get("required", True)
            raw = parts.get("format") == "raw"
            if parts.get("format", "") not in {"", ".env", "raw"}:
                inner.error("attribute-value", msg("%(value)s is not a format.", value=parts["format"][:60]))
        else:
            text = as_text(inner, item)
        path = inside(inner, text) if text is not None else None
        if path is None or (not required and not path.is_file()):
            continue
        scope.project.env_files.append(relative(inner, path))
        data = read_bytes(inner, path, dotenv.MAX_BYTES)
        if data is not None and content_budget(inner, len(data)):
            found.update(_read(inner, data, relative(inner, path), environment, found, raw=raw))
    return {} if _too_many(scope, len(found)) else found


def _read(
    scope: Scope,
    data: bytes,
    file: str,
    environment: Mapping_[str, str | None],
    earlier: dict[str, str],
    *,
    raw: bool,
) -> dict[str, str]:
    out: Collector = scope.sink or scope.project.out
    own = {name: text for name, text in environment.items() if text is not None}
    known = {**own, **scope.project.variables}
    variables = dotenv.parse_raw(data, file, out) if raw else dotenv.parse(data, file, known, out, earlier)
    found: dict[str, str] = {}
    for variable in variables:
        at = Place(file, variable.line, variable.name)
        if not _ANY.match(variable.name):  # an empty one starts no container
            out.add("error", "env-syntax", at, msg("This line is not of the form NAME=value."))
        elif not _changes_what_runs(scope, variable.name):
            text = _taken_over(scope, variable.name, own) if variable.value is None else variable.value
            if text is not None:
                found[variable.name] = text
    content_budget(scope, sum(map(len, found.values())))
    return found
