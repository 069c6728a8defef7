"""Turns `Text` into words of the reader's language, by gettext catalogues that lie beside the package.

Message ids are English, so English needs no catalogue. An assignment brings its own catalogues in its folder:
`locale/` for what students may read and `hidden/locale/` for what its hidden checks say; they are asked first.
"""

from __future__ import annotations

import gettext
import itertools
import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from grader.model.text import Scalar, Text

languages: Final = ("es", "en")
DOMAIN: Final = "grader"
LOCALE: Final = Path(__file__).parent / "locale"


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
    for before, after in itertools.pairwise(catalogues):
        before.add_fallback(after)
    return catalogues[0]
