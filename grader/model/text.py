"""Translatable text: a message id in English, its parameters, and nothing rendered yet.

A reader's language is known only when a report is written, so text travels as `Text` and `grader.i18n` renders it.
"""

from __future__ import annotations

import msgspec

Scalar = str | int | float


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message id (English, `%(name)s` placeholders) and the values that fill it."""

    msgid: str
    params: dict[str, Scalar] = {}

    def filled(self, **facts: Scalar) -> Text:
        """Return the same message with those of the facts that it names."""
        return Text(self.msgid, {name: value for name, value in facts.items() if f"%({name})" in self.msgid})


class Bilingual(msgspec.Struct, frozen=True):
    """Text that an assignment's author wrote in both languages (titles, requirements)."""

    es: str
    en: str

    def in_language(self, lang: str) -> str:
        """Return the text for `lang` ("es" or "en"); Spanish is the default."""
        return self.en if lang == "en" else self.es


def msg(msgid: str, /, **params: Scalar) -> Text:
    """Mark `msgid` for translation and bind its parameters (extracted by Babel as keyword `msg`)."""
    return Text(msgid, params)


def literal(value: str) -> Text:
    """Wrap a value that must not be translated (a name, a number, a student's own text)."""
    return Text("%(value)s", {"value": value})
