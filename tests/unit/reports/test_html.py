"""The page: what it says, to whom, and that nothing in it acts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from grader.presentation.audience import redacted
from grader.reports import html
from tests.unit.reports import builders

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

VOID = {"meta", "input", "br", "hr", "img", "link"}


class Outline(HTMLParser):
    """Collects what the assertions ask for; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src", "srcset", "action"}:
                self.links.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def without_style(page: str) -> str:
    """Normalise a page for a snapshot: no style sheet, no empty lines, no indentation."""
    page = re.sub(r"<style>.*</style>", "<style>…</style>", page, flags=re.DOTALL)
    return "\n".join(line.strip() for line in page.splitlines() if line.strip())


@pytest.mark.parametrize("story", builders.STORIES)
def test_page(story: str, snapshot: SnapshotAssertion) -> None:
    """The whole page of each kind of result is as it was when somebody last looked at it."""
    assert without_style(html.page(redacted(builders.STORIES[story](), "instructor"))) == snapshot


@pytest.mark.parametrize("audience", ["student", "instructor"])
@pytest.mark.parametrize("story", builders.STORIES)
def test_page_stands_alone(story: str, audience: str) -> None:
    """Tags nest, ids are unique, links stay in the page, no script, no handler, no request."""
    page = html.page(redacted(builders.STORIES[story](), audience))  # type: ignore[arg-type]
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)
    assert all(link.startswith("#") for link in outline.links)
    assert not outline.tags & {"script", "iframe", "object", "link", "img"}
    assert not [a for a in outline.attributes if a.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page


def test_hostile_text_is_shown_as_text() -> None:
    """Markup, escape sequences and direction marks of a student do nothing."""
    page = html.page(redacted(builders.several_failed(), "instructor"))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;rojo[U+202E]gnp.exe" in page
    assert not [c for c in page if ord(c) < 32 and c != "\n"]


def test_both_languages_with_spanish_first() -> None:
    """One file serves both readers; the switch stands at the language asked for."""
    page = html.page(redacted(builders.several_failed(), "instructor"))
    assert page.index('<div lang="es"') < page.index('<div lang="en"')
    assert 'id="language-es" checked' in page
    assert 'id="language-en" checked' in html.page(redacted(builders.several_failed(), "instructor"), lang="en")
    assert "Por dónde empezar" in page
    assert "What to mend first" in page


def test_student_sees_title_and_outcome_of_a_hidden_check_only() -> None:
    """Nothing else of a hidden check stands in a student's page, in no language and no attribute."""
    result = builders.several_failed()
    page = html.page(redacted(result, "student"))
    assert "Una tarea retenida por un worker muerto se entrega a otro" in page
    for secret in ("slow-1", "acked-before-work", "acknowledged before", "el contrato pide esto: una tarea retenida"):
        assert secret not in page.lower()
        assert secret in html.page(redacted(result, "instructor")).lower()


def test_student_does_not_read_the_graders_own_trouble() -> None:
    """An error's text may quote a hidden check, so it is the instructor's."""
    assert "the engine did not answer" not in html.page(redacted(builders.provisional(), "student"))
    assert "the engine did not answer" in html.page(redacted(builders.provisional(), "instructor"))


def test_outcomes_are_told_by_more_than_colour() -> None:
    """Each outcome has its glyph and its word."""
    page = html.page(redacted(builders.several_failed(), "instructor"))
    for glyph, word in (("✓", "superada"), ("✗", "fallida"), ("…", "en espera")):
        assert f'<span class="glyph" aria-hidden="true">{glyph}</span> {word}</span>' in page


def test_stand_in_images_are_called_so() -> None:
    """A reader learns which image was not the original, and why."""
    assert "sustituta construida con paquetes de Debian" in html.page(redacted(builders.all_passed(), "instructor"))


def test_a_submission_that_does_not_build_is_told_once() -> None:
    """The build's log stands among the findings and not once more in each check."""
    page = html.page(redacted(builders.broken(), "instructor"))
    assert page.count("npm ERR! missing") == 2  # once a language
    assert "Checks could not be tried" in page


def test_write_replaces_the_file_in_one_step(tmp_path: Path) -> None:
    """No temporary file stays beside the page."""
    path = tmp_path / "out" / "report.html"
    html.write(redacted(builders.all_passed(), "instructor"), path)
    html.write(redacted(builders.refused(), "instructor"), path)
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    assert "Entrega rechazada" in path.read_text(encoding="utf-8")
