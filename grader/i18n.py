"""Turns `Text` into words of the reader's language, by gettext catalogues that lie beside the package.

Message ids are English, so English needs no catalogue. An assignment brings its own catalogues in its folder:
`locale/` for what students may read and `hidden/locale/` for what its hidden checks say; they are asked first.
"""

from __future__ import annotations

import gettext
import itertools
import math
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grader import installed

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    found = [gettext.translation(DOMAIN, place, [lang], fallback=True) for place in places]
    catalogues = [t for t in found if isinstance(t, gettext.GNUTranslations)]
    if not catalogues:
        return gettext.NullTranslations()
    for before, after in itertools.pairwise([*catalogues, _Brought(lang)]):
        before.add_fallback(after)
    return catalogues[0]


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
            self._catalogues = [gettext.translation(DOMAIN, place, [self._lang], fallback=True) for place in places]
        said = (catalogue.gettext(message) for catalogue in self._catalogues)
        return next((text for text in said if text != message), message)
