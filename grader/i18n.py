"""Turns `Text` into words of the reader's language, by gettext catalogues that lie beside the package.

Message ids are English, so English needs no catalogue. An assignment brings its own texts in its folder, with both
languages side by side: `reasons.yaml` for what students may read, `hidden/reasons.yaml` for what its hidden checks say;
they are asked first, and so are catalogues in `locale/` and `hidden/locale/`.
"""

from __future__ import annotations

import ast
import gettext
import itertools
import math
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader import installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from grader.model.text import Scalar, Text

languages: Final = ("es", "en")
DOMAIN: Final = "grader"
LOCALE: Final = Path(__file__).parent / "locale"
VARIABLE: Final = "GRADER_LANG"
FALLBACK: Final = "es"
# In the order in which POSIX gives them weight; the first that is set decides.
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def default_language(environ: Mapping[str, str] | None = None) -> str:
    """Return the language of a reader who named none: GRADER_LANG, else the locale's, else Spanish.

    The locales C and POSIX say nothing about a reader, and neither does one of a third language. A GRADER_LANG that is
    none of ours is passed over here; the command line refuses it by name.
    """
    found = os.environ if environ is None else environ
    if (chosen := found.get(VARIABLE, "")) in languages:
        return chosen
    locale = next((value for name in _LOCALE_VARIABLES if (value := found.get(name))), "")
    name = re.split(r"[_.@-]", locale, maxsplit=1)[0].lower()
    return name if name in languages else FALLBACK


class _Number(float):
    """A float that reads well: one decimal, none when it is zero; `%(x).2f` still works."""

    def __str__(self) -> str:
        if not math.isfinite(self):
            return float.__repr__(self)
        return f"{self:.1f}".removesuffix(".0")


def render(text: Text, lang: str, extra: Path | None = None) -> str:
    """Return `text` in `lang` ("es" or "en") with its parameters filled in; plain text, still to be escaped.

    extra: the folder of an assignment, whose own catalogues are asked before the grader's. A message that has no
    translation is shown in English; a parameter that is missing leaves the message unfilled. Never raises.
    """
    message = translations(lang, extra).gettext(text.msgid) if text.msgid else ""
    if not text.params:
        return message
    return fill(message, text.params)


def fill(message: str, params: dict[str, Scalar]) -> str:
    """Fill `%(name)s` placeholders; floats get at most one decimal. Returns `message` as it is if one is missing."""
    values = {k: _Number(v) if isinstance(v, float) else v for k, v in params.items()}
    try:
        return message % values
    except (KeyError, ValueError, TypeError):
        return message


@lru_cache(maxsize=64)
def translations(lang: str, extra: Path | None = None) -> gettext.NullTranslations:
    """Return the catalogues for `lang`, the assignment's before the grader's; templates use it for `_()`."""
    places = [LOCALE] if extra is None else [extra / "locale", extra / "hidden" / "locale", LOCALE]
    catalogues = [found for place in places if (found := _catalogue(place, lang))]
    if extra is not None and lang != "en":
        written = [extra / "reasons.yaml", extra / "hidden" / "reasons.yaml"]
        catalogues[:0] = [_Said(_side_by_side(file, lang)) for file in written if file.is_file()]
    if not catalogues:
        return gettext.NullTranslations()
    for before, after in itertools.pairwise([*catalogues, _Brought(lang)]):
        before.add_fallback(after)
    return catalogues[0]


def _catalogue(place: Path, lang: str) -> gettext.NullTranslations | None:
    """Return a compiled catalogue; where nobody has compiled it yet (a fresh checkout), what the readable one says."""
    try:
        return gettext.translation(DOMAIN, place, [lang])
    except OSError:
        file = place / lang / "LC_MESSAGES" / f"{DOMAIN}.po"
        return _Said(_readable(file.read_text("utf-8"))) if file.is_file() else None


class _Said(gettext.NullTranslations):
    """Messages and their translations, no plurals and no contexts."""

    def __init__(self, said: dict[str, str]) -> None:
        super().__init__()
        self._said = said

    def gettext(self, message: str) -> str:
        """Return the translation, or what the next catalogue says."""
        return self._said.get(message) or super().gettext(message)


_LINES = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
_ENTRY = re.compile(rf"^msgid {_LINES}^msgstr {_LINES}", re.MULTILINE)


def _readable(text: str) -> dict[str, str]:
    """Return what a .po file of ours says: lines of quoted text are written as Python writes them."""
    said = [[ast.literal_eval(f"({lines})") for lines in found.groups()] for found in _ENTRY.finditer(text)]
    return {message: words for message, words in said if message and words}


def _side_by_side(file: Path, lang: str) -> dict[str, str]:
    """Return what a YAML file says in which each text is a mapping of languages: English is the message."""
    import yaml  # noqa: PLC0415 - only who shows an assignment's texts needs it

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(_pairs(yaml.load(file.read_text("utf-8"), Loader=loader), lang))  # noqa: S506 - a safe one


def _pairs(node: Any, lang: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(node.get("en"), str) and isinstance(node.get(lang), str):
            yield node["en"], node[lang]
        for value in node.values():
            yield from _pairs(value, lang)


class _Brought(gettext.NullTranslations):
    """The catalogues of what other distributions bring, looked for when ours do not have a message."""

    def __init__(self, lang: str) -> None:
        super().__init__()
        self._lang = lang
        self._catalogues: list[gettext.NullTranslations] | None = None

    def gettext(self, message: str) -> str:
        """Return the translation, or the message."""
        if self._catalogues is None:
            places = [folder / "locale" for package in installed.packages() if (folder := package.folder())]
            self._catalogues = [found for place in places if (found := _catalogue(place, self._lang))]
        said = (catalogue.gettext(message) for catalogue in self._catalogues)
        return next((text for text in said if text != message), message)
