"""The report as one HTML file: no network, no script, both languages, readable on paper and on a phone."""

from __future__ import annotations

import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2

from grader import atomic, i18n
from grader.presentation.words import GLYPHS, Words
from grader.reports.view import headline, page_view

if TYPE_CHECKING:
    from grader.presentation.audience import Redacted
    from grader.reports.progress import Attempt
    from grader.reports.view import PageView

TEMPLATES: Final = Path(__file__).parent / "templates"


def write(
    result: Redacted,
    path: Path,
    *,
    lang: str = "es",
    earlier: Attempt | None = None,
) -> None:
    """Write the page to `path` in one step; `lang` is shown first, the other one by a switch. Raises OSError.

    earlier: the attempt before this one, to say what changed since.
    """
    text = page(result, lang=lang, earlier=earlier)
    atomic.write(path, text.encode("utf-8", "replace"))


def page(result: Redacted, *, lang: str = "es", earlier: Attempt | None = None) -> str:
    """Return the whole page as text."""
    views = {code: page_view(result, code, earlier) for code in i18n.languages}
    bodies = {code: _body(view, result) for code, view in views.items()}
    return (
        environment(lang)
        .get_template("page.html.j2")
        .render(
            lang=lang,
            titles={code: result.assignment.title.in_language(code) for code in i18n.languages},
            view=views[lang],
            bodies=bodies,
            style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
        )
    )


def _body(view: PageView, result: Redacted) -> str:
    words = Words(view.lang, result.assignment)
    template = environment(view.lang).get_template("body.html.j2")
    return template.render(v=view, lang=view.lang, headline=lambda check: headline(check, words))


@lru_cache
def environment(lang: str) -> jinja2.Environment:
    """Return the templates of all pages with one language's words."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = i18n.translations(lang)
    made.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    made.globals["GLYPHS"] = GLYPHS
    made.filters["seconds"] = lambda value: f"{value:.1f}"
    made.filters["day"] = _day
    made.filters["clock"] = lambda value: f"{value:.3f}"
    return made


def _day(moment: str) -> str:
    """Return an ISO time as a reader writes it; anything else as it is."""
    try:
        return datetime.datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return moment
