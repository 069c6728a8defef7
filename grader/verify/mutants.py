"""`mutants.yaml`: what is verified beside the references, each as edits of one of them.

auto-ack:
  base: node                                  # a reference
  mistake: {es: "Confirma al recibir", en: "Acknowledges on arrival"}
  edits:                                      # each `old` must be in the base's file exactly once
    app/worker.js: [{old: "{ noAck: false }", new: "{ noAck: true }"}]
  kills: {ack.after-work: acked-before-work}  # check: reason code, or a list of codes
  allowed:                                    # further checks that may fail, and why
    prefetch.one: a prefetch bounds what is not acknowledged, and here that is nothing
  removed: [app/unused.js]                    # files of the base that it does not have

`right: {es, en}` instead of `mistake` and `kills`: it must pass everything. Files in a folder of the entry's name are
laid over the base whole, for what edits do not express: a program of its own, a new file, a binary one.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader.brokers.reasons import reasons_for
from grader.errors import UsageError
from grader.model.text import Bilingual, msg
from grader.policy.document import yaml_load
from grader.policy.document.nodes import Mapping, Scalar, Sequence, is_null
from grader.verify.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Collection

    from grader.model.assignment import Assignment
    from grader.policy.document.nodes import Entry, Node

FILE = "mutants.yaml"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
SHORTEST_WHY = 10  # characters; what is shorter says nothing
_KEYS = ("base", "mistake", "right", "edits", "kills", "allowed", "removed")
_LANGUAGES = ("es", "en")
_SIDES = ("old", "new")


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: a mutant, or a right alternative (no `mistake`, no `kills`).

    allowed: check -> why it may fail too ("" where a list says nothing). removed: file -> the line that says so.
    lines: key -> the line that it stands in; "" is the entry's own.
    """

    name: str
    base: str
    mistake: Bilingual | None = None
    edits: dict[str, tuple[Edit, ...]] = {}
    kills: dict[str, tuple[str, ...]] = {}
    allowed: dict[str, str] = {}
    removed: dict[str, int] = {}
    lines: dict[str, int] = {}


def read(file: Path, assignment: Assignment) -> tuple[Mutant, ...]:
    """Return the entries of the file, none if there is no file. Raises UsageError with file, line and entry."""
    try:
        root = yaml_load.load(file.read_bytes())
    except FileNotFoundError:
        return ()
    except yaml_load.YamlError as error:
        text = error.message.msgid % error.message.params
        raise UsageError(msg("%(at)s: %(error)s", at=f"{file}:{error.line}", error=text)) from error
    if is_null(root):
        return ()
    entries = _Reader(file, "", (), {}).mapping(root)
    checks = [c.id for c in assignment.checks]
    reasons = reasons_for(Path(assignment.directory))
    return tuple(_Reader(file, name, checks, reasons).entry(entry) for name, entry in entries.items())


def place(file: Path, name: str, line: int) -> str:
    """Return how a message says where something stands."""
    return f"{file}:{line}: {name}" if name else f"{file}:{line}"


class _Reader:
    """Reads one entry."""

    def __init__(self, file: Path, name: str, checks: Collection[str], reasons: Collection[str]) -> None:
        self._file = file
        self._name = name
        self._checks = checks
        self._reasons = reasons

    def entry(self, entry: Entry) -> Mutant:
        if not NAME.fullmatch(self._name):
            raise UsageError(
                msg("%(at)s: a name is made of a-z, 0-9 and hyphens, as that of a folder", at=self._at(entry.line))
            )
        said = self._fields(entry.node, _KEYS)
        needed = ("base", "right") if "right" in said else ("base", "mistake", "kills")
        self._all_of(needed, said, entry.line)
        if "right" in said and (wrong := [key for key in ("mistake", "kills") if key in said]):
            raise UsageError(
                msg(
                    "%(at)s: what is right has no %(key)s: remove it, or right",
                    at=self._at(said[wrong[0]].line),
                    key=wrong[0],
                )
            )
        if "right" in said:
            self._both("right", said["right"])
        return Mutant(
            name=self._name,
            base=self._text(said["base"].node, said["base"].line),
            mistake=self._both("mistake", said["mistake"]) if "mistake" in said else None,
            edits={name: self._edits(e) for name, e in self._optional(said, "edits").items()},
            kills=self._kills(said["kills"]) if "kills" in said else {},
            allowed=self._allowed(said["allowed"]) if "allowed" in said else {},
            removed=dict(self._texts(said["removed"])) if "removed" in said else {},
            lines={"": entry.line} | {key: e.line for key, e in said.items()},
        )

    def mapping(self, node: Node, line: int = 1) -> dict[str, Entry]:
        if not isinstance(node, Mapping):
            raise UsageError(msg("%(at)s: names with values below are expected (name: value)", at=self._at(line)))
        return node.entries

    def _at(self, line: int) -> str:
        return place(self._file, self._name, line)

    def _optional(self, said: dict[str, Entry], key: str) -> dict[str, Entry]:
        return self.mapping(said[key].node, said[key].line) if key in said else {}

    def _fields(self, node: Node, keys: tuple[str, ...], line: int = 0) -> dict[str, Entry]:
        """Return the values of a mapping that has no other keys than these."""
        said = self.mapping(node, line or node.line)
        for key, entry in said.items():
            if key not in keys:
                raise UsageError(
                    msg(
                        "%(at)s: %(key)s is none of the keys that may stand here: %(keys)s",
                        at=self._at(entry.line),
                        key=key,
                        keys=", ".join(keys),
                    )
                )
        return said

    def _all_of(self, keys: tuple[str, ...], said: dict[str, Entry], line: int) -> None:
        for key in keys:
            if key not in said or is_null(said[key].node):
                at = said[key].line if key in said else line
                raise UsageError(msg("%(at)s: %(key)s is missing", at=self._at(at), key=key))

    def _text(self, node: Node, line: int) -> str:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            raise UsageError(
                msg("%(at)s: text is expected, in quotes where YAML reads it otherwise", at=self._at(line))
            )
        return node.value

    def _texts(self, entry: Entry) -> dict[str, int]:
        """Return a list of texts, each with its line."""
        if not isinstance(entry.node, Sequence):
            raise UsageError(msg("%(at)s: a list is expected ([a, b])", at=self._at(entry.line)))
        return {self._text(item, item.line): item.line for item in entry.node.items}

    def _both(self, what: str, entry: Entry) -> Bilingual:
        said = self._fields(entry.node, _LANGUAGES, entry.line)
        texts = {key: self._text(e.node, e.line) for key, e in said.items() if not is_null(e.node)}
        for key in _LANGUAGES:
            if not texts.get(key, "").strip():
                at = self._at(said[key].line if key in said else entry.line)
                raise UsageError(msg("%(at)s: %(key)s is missing", at=at, key=f"{what}.{key}"))
        return Bilingual(**texts)

    def _edits(self, entry: Entry) -> tuple[Edit, ...]:
        if not isinstance(entry.node, Sequence) or not entry.node.items:
            raise UsageError(msg("%(at)s: a list of edits is expected, each with old and new", at=self._at(entry.line)))
        found = []
        for item in entry.node.items:
            said = self._fields(item, _SIDES, item.line)
            self._all_of(_SIDES, said, item.line)
            old, new = (self._text(said[key].node, said[key].line) for key in _SIDES)
            edit = Edit(old, new, item.line)
            if not edit.old.strip() or edit.old == edit.new:
                raise UsageError(
                    msg("%(at)s: old is what stands in the file, new is something else", at=self._at(item.line))
                )
            found.append(edit)
        return tuple(found)

    def _kills(self, entry: Entry) -> dict[str, tuple[str, ...]]:
        found = {}
        for check, codes in self.mapping(entry.node, entry.line).items():
            self._check(check, codes.line)
            one = isinstance(codes.node, Scalar)
            said = {self._text(codes.node, codes.line): codes.line} if one else self._texts(codes)
            for code, line in said.items():
                if code not in self._reasons:
                    raise UsageError(
                        msg(
                            "%(at)s: there is no reason code %(code)s (nearest: %(near)s)",
                            at=self._at(line),
                            code=code,
                            near=nearest(code, self._reasons),
                        )
                    )
            found[check] = tuple(said)
        if not all(found.values()) or not found:
            raise UsageError(
                msg("%(at)s: kills names each check that fails, and the codes it may fail for", at=self._at(entry.line))
            )
        return found

    def _allowed(self, entry: Entry) -> dict[str, str]:
        if isinstance(entry.node, Sequence):  # of an assignment whose reasons are still to be written
            checks = self._texts(entry)
            for check, line in checks.items():
                self._check(check, line)
            return dict.fromkeys(checks, "")
        found = {}
        for check, why in self.mapping(entry.node, entry.line).items():
            self._check(check, why.line)
            found[check] = "" if is_null(why.node) else self._text(why.node, why.line)
            if len(found[check]) < SHORTEST_WHY:
                raise UsageError(msg("%(at)s: say why %(check)s may fail too", at=self._at(why.line), check=check))
        return found

    def _check(self, check: str, line: int) -> None:
        if check not in self._checks:
            raise UsageError(
                msg(
                    "%(at)s: the rubric has no check %(check)s (nearest: %(near)s)",
                    at=self._at(line),
                    check=check,
                    near=nearest(check, self._checks),
                )
            )


def nearest(name: str, known: Collection[str]) -> str:
    """Return the name of `known` that is most like this one, or a dash."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), "-")
