"""The page of a class: how it did, which checks part it, why they fail, who needs a look. One HTML file, no script.

Figures stand in it once for each language. The table of students stands once, only its words are doubled: of five
thousand students nobody needs two tables.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from grader import atomic, i18n, untrusted
from grader.brokers.reasons import reason_of
from grader.model.text import Text, msg
from grader.presentation import limits
from grader.presentation.class_stats import STATES, row_max, settled, statistics, who
from grader.presentation.words import COUNTS, GLYPHS, LEVELS, VERDICTS, Words, number
from grader.reports import charts
from grader.reports.html import TEMPLATES, environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from grader.model.classroom import Gradebook, Row, State
    from grader.model.outcome import Verdict
    from grader.presentation.class_stats import Cause, CheckFigures, Pair, Statistics, Who

STATE_WORDS: Final[dict[State, Text]] = {
    "final": msg("final"),
    "provisional": msg("provisional"),
    "rejected": msg("rejected"),
    "missing": msg("not handed in"),
    "excused": msg("excused"),
}
NOTHING: Final = "\u2013"
SAYS_LITTLE: Final = 0.1  # a check with less discrimination deserves a look
PERFECT: Final = 0.95  # of a class passing: then low discrimination is no fault


class Link(NamedTuple):
    """A student's name and the address of the report, "" if there is none."""

    label: str
    href: str


class CheckRow(NamedTuple):
    """One check in the table; shares are written out, NOTHING where there is nothing to say."""

    title: str
    level: str
    level_word: str
    hidden: bool
    counts: tuple[tuple[Verdict, str, int], ...]
    parts: tuple[charts.Part, ...]
    spoken: str
    pass_rate: str
    difficulty: str
    discrimination: str
    look: bool


class CauseRow(NamedTuple):
    """A reason in words: how many students it met, where, who. width: of its bar, in percent of the most frequent."""

    title: str
    code: str
    met: int
    width: float
    checks: tuple[tuple[str, int], ...]
    students: tuple[Link, ...]
    more: int


class PairRow(NamedTuple):
    """Two students whose work is alike, and how much."""

    first: Link
    second: Link
    share: str


class ClassView(NamedTuple):
    """The figures in one language. states: (state, word, how many). tiles: (word, number) of the spread."""

    lang: str
    title: str
    version: str
    made_at: str
    students: int
    states: tuple[tuple[str, str, int], ...]
    late: int
    settled: int
    tiles: tuple[tuple[str, str], ...]
    median: float
    histogram: charts.Histogram
    checks: tuple[CheckRow, ...]
    causes: tuple[CauseRow, ...]
    failures: tuple[CauseRow, ...]
    slowest: tuple[tuple[Link, float], ...]
    median_seconds: float
    unsettled: tuple[Link, ...]
    missing: tuple[Link, ...]
    similar: tuple[PairRow, ...]
    notices: tuple[str, ...]


class Note(NamedTuple):
    """Words beside a student, by language."""

    points: str
    words: dict[str, str]


class StudentRow(NamedTuple):
    """A student in the table. kinds: what the row can be narrowed by. marks: runs of equal verdicts, as glyphs."""

    link: Link
    student: str
    kinds: str
    state: State
    score: str
    max_score: str
    marks: tuple[tuple[str, str], ...]
    passed: int
    of: int
    attempts: int
    late: bool
    failure: dict[str, str]
    notes: tuple[Note, ...]
    comment: str


def write(book: Gradebook, path: Path, *, lang: str = "es") -> None:
    """Write the page to `path` in one step; `lang` is shown first. Links are relative to its folder. Raises OSError."""
    atomic.write(path, page(book, lang=lang).encode("utf-8", "replace"))


def page(book: Gradebook, *, lang: str = "es") -> str:
    """Return the whole page as text."""
    figures = statistics(book)
    words = {code: Words(code, book.assignment) for code in i18n.languages}
    views = {code: class_view(book, figures, words[code]) for code in i18n.languages}
    bodies = {
        code: environment(code).get_template("class_body.html.j2").render(v=view, lang=code)
        for code, view in views.items()
    }
    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "class.css"))
    template = environment(lang).get_template("class.html.j2")
    return template.render(
        lang=lang,
        view=views[lang],
        bodies=bodies,
        style=style,
        state_words={state: _both(STATE_WORDS[state], words) for state in STATES},
        filters=_filters(figures, words),
        rows=(student_row(row, book, words) for row in book.rows),
        w={name: _both(text, words) for name, text in TABLE_WORDS.items()},
    )


TABLE_WORDS: Final[dict[str, Text]] = {
    "students": msg("All students"),
    "show": msg("Show:"),
    "name": msg("Student"),
    "score": msg("Score"),
    "state": msg("State"),
    "checks": msg("Checks, in the order of the rubric"),
    "remarks": msg("Remarks"),
    "late": msg("late"),
    "attempts": msg("attempts:"),
    "none": msg("Nobody is in this class yet."),
}


def class_view(book: Gradebook, figures: Statistics, words: Words) -> ClassView:
    """Return the figures in the language of `words`."""
    titles = {spec.id: spec.title.in_language(words.lang) for spec in book.assignment.checks}
    return ClassView(
        lang=words.lang,
        title=book.assignment.title.in_language(words.lang),
        version=book.assignment.version,
        made_at=untrusted.one_line(book.made_at, limit=limits.MOMENT),
        students=figures.students,
        states=tuple((state, words(STATE_WORDS[state]), n) for state, n in figures.states.items() if n),
        late=figures.late,
        settled=figures.settled,
        tiles=_tiles(figures, words),
        median=number(round(figures.spread.median, 1)) if figures.spread else 0.0,
        histogram=charts.histogram(figures.bins),
        checks=tuple(_check_row(f, book, words) for f in figures.checks),
        causes=_cause_rows(figures.causes, titles, words),
        failures=_cause_rows(figures.failures, titles, words),
        slowest=tuple((link(s.who), s.seconds) for s in figures.slowest),
        median_seconds=figures.median_seconds,
        unsettled=_links(figures.unsettled),
        missing=_links(figures.missing),
        similar=tuple(_pair_row(p) for p in figures.similar),
        notices=tuple(words(n) for n in book.notices[: limits.PAGE_NOTICES]),
    )


def student_row(row: Row, book: Gradebook, words: dict[str, Words]) -> StudentRow:
    """Return a student's row of the table, in both languages."""
    marks = row.summary.checks if row.summary else {}
    verdicts = [marks[spec.id].verdict for spec in book.assignment.checks if spec.id in marks]
    shown = settled(row) or row.state == "provisional"
    kinds = (row.state, *["late"] * row.entry.late, *["changed"] * bool(row.adjustments or row.overridden))
    return StudentRow(
        link=link(who(row)),
        student=untrusted.one_line(row.entry.student, limit=limits.LABEL),
        kinds=" ".join(kinds),
        state=row.state,
        score=str(number(row.score)) if shown else NOTHING,
        max_score=str(row_max(row, book.assignment)) if shown else "",
        marks=tuple((verdict, GLYPHS[verdict] * len(list(run))) for verdict, run in groupby(verdicts)),
        passed=verdicts.count("passed"),
        of=len(verdicts),
        attempts=row.attempts,
        late=row.entry.late,
        failure={code: _reason(row.summary.failure, w) for code, w in words.items()}
        if row.summary and row.summary.failure
        else {},
        notes=tuple(Note(f"{number(a.points):+}", _both(a.why, words)) for a in row.adjustments),
        comment=untrusted.one_line(row.comment),
    )


def link(student: Who, check: str = "") -> Link:
    """Return a student's name with the address of the report, at `check` if given.

    The address is one inside of the page's folder, or "": a name is no address of another place or scheme.
    """
    path = student.report.replace("\\", "/")
    inside = path and not path.startswith("/") and ".." not in path.split("/")
    return Link(student.label, quote(path) + (f"#{quote(check)}" if check else "") if inside else "")


def _tiles(figures: Statistics, words: Words) -> tuple[tuple[str, str], ...]:
    spread = figures.spread
    if spread is None:
        return ()
    named = (
        (msg("mean"), spread.mean),
        (msg("median"), spread.median),
        (msg("lower quartile"), spread.lower_quartile),
        (msg("upper quartile"), spread.upper_quartile),
        (msg("lowest"), spread.lowest),
        (msg("highest"), spread.highest),
        (msg("standard deviation"), spread.deviation),
    )
    return tuple((words(text), f"{value:.1f}".removesuffix(".0")) for text, value in named)


def _check_row(figures: CheckFigures, book: Gradebook, words: Words) -> CheckRow:
    spec = book.assignment.check(figures.check)
    numbers: dict[Verdict, int] = {
        "passed": figures.passed,
        "failed": figures.failed,
        "blocked": figures.blocked,
        "error": figures.error,
    }
    r, p = figures.discrimination, figures.difficulty
    return CheckRow(
        title=spec.title.in_language(words.lang),
        level=spec.level,
        level_word=words(LEVELS[spec.level]),
        hidden=spec.visibility == "hidden",
        counts=tuple((v, words(text), numbers[v]) for v, text in VERDICTS.items()),
        parts=charts.stack([(v, numbers[v]) for v in VERDICTS]),
        spoken=", ".join(words(Text(COUNTS[v].msgid, {"n": numbers[v]})) for v in VERDICTS if numbers[v]),
        pass_rate=_percent(figures.pass_rate),
        difficulty=_percent(p),
        discrimination=NOTHING if r is None else f"{r:+.2f}",
        look=r is not None and p is not None and r < SAYS_LITTLE and p < PERFECT,
    )


def _cause_rows(causes: Sequence[Cause], titles: dict[str, str], words: Words) -> tuple[CauseRow, ...]:
    most = max((c.count for c in causes), default=1)
    return tuple(
        CauseRow(
            title=_reason(cause.code, words),
            code=cause.code,
            met=cause.count,
            width=round(100 * cause.count / most, 1),
            checks=tuple((titles.get(check, check), n) for check, n in cause.checks.items()),
            students=tuple(link(w, f"{words.lang}-{next(iter(cause.checks))}") for w in cause.students)
            if cause.checks
            else tuple(link(w) for w in cause.students),
            more=cause.count - len(cause.students),
        )
        for cause in causes
    )


def _reason(code: str, words: Words) -> str:
    reason = reason_of(code, words.extra)
    return words(reason.title) if reason else untrusted.one_line(code, limit=limits.CODE)


def _links(students: Iterable[Who]) -> tuple[Link, ...]:
    return tuple(link(w) for w in students)


def _pair_row(pair: Pair) -> PairRow:
    return PairRow(link(pair.first), link(pair.second), _percent(pair.share))


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.0f} %"


def _both(text: Text, words: dict[str, Words]) -> dict[str, str]:
    return {code: w(text) for code, w in words.items()}


def _filters(figures: Statistics, words: dict[str, Words]) -> list[tuple[str, dict[str, str], int]]:
    """Return what the table can be narrowed to: (kind, words, how many), all first, nothing that nobody is."""
    kinds = [
        ("all", _both(msg("all"), words), figures.students),
        *((state, _both(STATE_WORDS[state], words), n) for state, n in figures.states.items()),
        ("late", _both(msg("late"), words), figures.late),
        ("changed", _both(msg("changed by hand or for being late"), words), figures.changed),
    ]
    return [kind for kind in kinds if kind[2]]
