"""The report as one HTML file: no network, no script, both languages, readable on paper and on a phone."""

from __future__ import annotations

import datetime
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2

from grader import i18n
from grader.reports.view import headline, page_view
from grader.reports.words import Words

if TYPE_CHECKING:
    from grader.exports.result_json import Audience
    from grader.model.grade import Result
    from grader.reports.view import PageView

TEMPLATES: Final = Path(__file__).parent / "templates"


def write(result: Result, path: Path, *, audience: Audience = "instructor", lang: str = "es") -> None:
    """Write the page to `path` in one step; `lang` is shown first, the other one by a switch. Raises OSError."""
    text = page(result, audience=audience, lang=lang)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", errors="replace", dir=path.parent, prefix=".report.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.close()
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def page(result: Result, *, audience: Audience = "instructor", lang: str = "es") -> str:
    """Return the whole page as text."""
    views = {code: page_view(result, code, audience) for code in i18n.languages}
    bodies = {code: _body(view, result) for code, view in views.items()}
    return (
        _environment(lang)
        .get_template("page.html.j2")
        .render(
            lang=lang,
            titles={code: result.assignment.title.in_language(code) for code in i18n.languages},
            view=views[lang],
            bodies=bodies,
            style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
        )
    )


def _body(view: PageView, result: Result) -> str:
    words = Words(view.lang, result.assignment)
    template = _environment(view.lang).get_template("body.html.j2")
    return template.render(v=view, lang=view.lang, headline=lambda check: headline(check, words))


@lru_cache
def _environment(lang: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = i18n.translations(lang)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    environment.filters["seconds"] = lambda value: f"{value:.1f}"
    environment.filters["day"] = _day
    environment.filters["clock"] = lambda value: f"{value:.3f}"
    return environment


def _day(moment: str) -> str:
    """Return an ISO time as a reader writes it; anything else as it is."""
    try:
        return datetime.datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return moment
