"""The page of a class: what it says, that it stands alone, and that nothing in it acts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from grader.model.classroom import Adjustment, Entry, Similar
from grader.model.text import literal
from grader.presentation.class_stats import Bin, Who
from grader.reports import charts, class_page
from tests.unit.reports import class_builders as classes
from tests.unit.reports.builders import HOSTILE
from tests.unit.reports.test_html import Outline

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.classroom import Gradebook

CLASSES = {"small": classes.small, "empty": classes.book, "real": lambda: classes.generated(40)}


def hostile() -> Gradebook:
    """Build a class in which every field that a student has a hand in holds hostile text."""
    row = classes.row(
        "x",
        {"task.done": "failed"},
        entry=Entry(student=HOSTILE, name=HOSTILE, email=HOSTILE, source="/x", ids={HOSTILE: HOSTILE}),
        adjustments=(Adjustment(kind="override", points=1, why=literal(HOSTILE)),),
        comment=HOSTILE,
        report=f"students/{HOSTILE}/report.html",
    )
    failed = classes.replaced(row.summary, failure=HOSTILE)
    checks = {**failed.checks, "task.done": classes.replaced(failed.checks["task.done"], reason=HOSTILE)}
    return classes.book(
        classes.replaced(row, summary=classes.replaced(failed, checks=checks)),
        notices=(literal(HOSTILE),),
        similar=(Similar(students=(HOSTILE, HOSTILE), share=1),),
    )


@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("name", [*CLASSES, "hostile"])
def test_page_stands_alone(name: str, lang: str) -> None:
    """Tags nest, ids are unique, links stay beside the page, no script, no handler, no request."""
    page = class_page.page((CLASSES | {"hostile": hostile})[name](), lang=lang)
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    assert all(link.startswith("students/") for link in outline.links)
    assert not outline.tags & {"script", "iframe", "object", "link", "img", "use", "image"}
    assert not [a for a in outline.attributes if a.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_hostile_text_is_shown_as_text() -> None:
    """Markup, escape sequences and direction marks of a student do nothing."""
    page = class_page.page(hostile())
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;rojo[U+202E]gnp.exe" in page
    assert not [c for c in page if ord(c) < 32 and c != "\n"]


@pytest.mark.parametrize(
    ("report", "href"),
    [
        ("students/ana gómez/report.html", "students/ana%20g%C3%B3mez/report.html"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("//evil.example/x", ""),
        ("/etc/passwd", ""),
        ("a/../../b", ""),
        ("\\\\evil.example\\x", ""),
        ("", ""),
    ],
)
def test_links_lead_beside_the_page_only(report: str, href: str) -> None:
    """Whatever a path says, it is one inside of the output folder, or no link."""
    assert class_page.link(Who("x", report=report)).href == href


def test_it_says_what_an_instructor_asks() -> None:
    """Counts by state, causes in words with their students, start-up failures, who is alike, in both languages."""
    page = class_page.page(classes.small(), lang="en")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition('<div lang="en"')[2]))
    for said in ("7 students", "3 final", "1 provisional", "1 rejected", "1 not handed in", "1 excused"):
        assert said in text
    assert "The submission was not started submission-refused" in text
    assert "97 %" in text
    assert "A hint, not a verdict" in text
    assert "-10 handed in 3 hours late" in text
    assert "+5.5 shown in person" in text
    assert 'id="language-en" checked' in page
    assert 'href="students/gina/report.html#en-ack.after-work"' in page


def test_charts_have_words_for_who_does_not_see_them() -> None:
    """Every chart is an image with a name or hidden; the numbers stand in a table too."""
    page = class_page.page(classes.small(), lang="en")
    drawn = re.findall(r"<svg [^>]*>", page)
    assert drawn
    assert all('role="img"' in tag or 'aria-hidden="true"' in tag for tag in drawn)
    assert 'aria-label="passed: 3, failed: 1"' in page
    assert "80\u201390: 2; 90\u2013100: 1" in page
    assert re.search('<th scope="row">80 \u2013 &lt; 90</th><td class="number">2</td>', page)


def test_each_student_stands_once_whatever_the_language() -> None:
    """The table is not there twice: five thousand students are enough."""
    page = class_page.page(classes.generated(60))
    assert page.count("<small>s000") == 60
    assert page.count('id="show-') == len(set(re.findall(r'id="show-(\w+)"', page)))


def test_only_what_somebody_is_can_be_chosen() -> None:
    """A choice that leaves nobody is not offered."""
    page = class_page.page(classes.book(classes.row("ana")))
    assert re.findall(r'id="show-(\w+)"', page) == ["all", "final"]


def test_write_in_one_step(tmp_path: Path) -> None:
    """The page is whole and nothing stays beside it."""
    path = tmp_path / "out" / "index.html"
    class_page.write(classes.small(), path)
    class_page.write(classes.small(), path, lang="en")
    assert [p.name for p in path.parent.iterdir()] == ["index.html"]
    assert path.read_text(encoding="utf-8").endswith("</html>")


def test_columns_are_as_high_as_their_numbers() -> None:
    """The highest column fills the plot, an empty bin has none, and edges name each bin's ends."""
    drawn = charts.histogram((Bin(0, 50, 1), Bin(50, 100, 4)))
    assert [b.height for b in drawn.bars] == [charts.PLOT_HEIGHT / 4, charts.PLOT_HEIGHT]
    assert [b.y + b.height for b in drawn.bars] == [drawn.base, drawn.base]
    assert drawn.edges == ((0, 0), (50, 50), (100, 100))
    assert charts.histogram((Bin(0, 100, 0),)).bars[0].height == 0


def test_a_stacked_bar_is_whole() -> None:
    """Parts follow each other without a gap; nothing is drawn of nobody."""
    assert [(p.name, p.x, p.width) for p in charts.stack([("a", 1), ("b", 0), ("c", 3)])] == [
        ("a", 0, 25),
        ("c", 25, 75),
    ]
    assert charts.stack([("a", 0)]) == ()
