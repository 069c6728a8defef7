"""Reasons that an assignment says itself, from its `reasons.yaml`: each text in both languages, side by side.

`hidden/reasons.yaml` holds what only hidden checks say, which students do not get. English is the message id;
`grader.i18n` looks the Spanish up in the same files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from grader.model.reasons.reason import Reason, Said
from grader.model.text import Bilingual, Text, msg

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILES = ("reasons.yaml", "hidden/reasons.yaml")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a fifth of the time


class FaultyReasonsError(Exception):
    """A file of reasons cannot be read, or tells too little of a code."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.msgid % message.params)
        self.message = message


class _Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    expected: Bilingual
    observed: Bilingual


class _Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Bilingual | None = None
    why: Bilingual | None = None
    hint: Bilingual | None = None
    expected: Bilingual | None = None
    observed: Bilingual | None = None
    also: dict[str, _Said] = {}
    logs: tuple[str, ...] = ()


def told_by(folder: Path, known: Mapping[str, Reason]) -> dict[str, Reason]:
    """Return the reasons that the files of an assignment's folder tell of, by code, on top of those known to all.

    A code that is known already may stand there with further words alone. Raises FaultyReasonsError for a faulty file.
    """
    found: dict[str, Reason] = {}
    for file in (folder / name for name in FILES):
        for code, each in _read(file).items():
            found[code] = _added(file, code, each, found.get(code) or known.get(code))
    return found


def _read(file: Path) -> dict[str, _Reason]:
    if not file.is_file():
        return {}
    try:
        data = yaml.load(file.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
        return msgspec.convert(data or {}, dict[str, _Reason])
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise FaultyReasonsError(msg("%(file)s is not valid: %(error)s", file=str(file), error=str(error))) from error


def _added(file: Path, code: str, told: _Reason, known: Reason | None) -> Reason:
    """Return what is known of a code with what is told of it here."""
    texts = [_text(told.title), _text(told.why), _text(told.hint)]
    title, why, hint = [
        t or k for t, k in zip(texts, (known.title, known.why, known.hint) if known else [None] * 3, strict=True)
    ]
    if title is None or why is None or hint is None:
        raise FaultyReasonsError(msg("%(file)s: %(code)s has no title, why and hint", file=str(file), code=code))
    said = {word: Said(expected=Text(s.expected.en), observed=Text(s.observed.en)) for word, s in told.also.items()}
    if told.expected and told.observed:
        said[""] = Said(expected=Text(told.expected.en), observed=Text(told.observed.en))
    before = known or Reason(title=title, why=why, hint=hint)
    return Reason(title=title, why=why, hint=hint, said=before.said | said, logs=told.logs or before.logs)


def _text(both: Bilingual | None) -> Text | None:
    return Text(both.en) if both else None
