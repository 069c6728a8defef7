"""What the page shows, in one language and for one audience: plain strings, decided here and not in the template."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grader import untrusted
from grader.model.outcome import Outcome
from grader.model.reasons import REASONS
from grader.model.text import Text, msg
from grader.reports.timeline import Row, rows
from grader.reports.words import COUNTS, GLYPHS, LEVELS, STATUS_MEANINGS, STATUSES, VERDICTS, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.exports.result_json import Audience
    from grader.model.assignment import CheckSpec
    from grader.model.findings import Finding
    from grader.model.grade import ResolvedImage, Result
    from grader.model.outcome import Verdict

SEVERITIES = ("error", "warning", "notice")  # the worst first
NOT_JUDGED = Outcome(check="", verdict="error", reason="not-judged")


class Proof(NamedTuple):
    """A piece of evidence: a title and its lines."""

    title: str
    lines: tuple[str, ...]


class CheckView(NamedTuple):
    """A rubric row and its outcome; `open_to_reader` is false for a hidden check on a student's page."""

    id: str
    title: str
    verdict: Verdict
    glyph: str
    word: str
    points: int
    max_points: int
    level: str
    level_word: str
    hidden: bool
    open_to_reader: bool
    requirement: str = ""
    reason: str = ""
    reason_title: str = ""
    expected: str = ""
    observed: str = ""
    why: str = ""
    hint: str = ""
    blocked_by: str = ""
    waits_for: str = ""
    evidence: tuple[Proof, ...] = ()
    began: float = 0.0
    seconds: float = 0.0
    timeline: tuple[Row, ...] = ()


class FindingView(NamedTuple):
    """A remark on the submission; `place` is "file:line"."""

    code: str
    severity: str
    place: str
    path: str
    message: str
    remedy: str
    detail: tuple[str, ...]


class PageView(NamedTuple):
    """Everything that the page's body in one language is made from.

    mend: the failed checks; waiting: those blocked by another check; untried: some are blocked by no check, since the
    submission did not build or start.
    """

    lang: str
    title: str
    submission: str
    status: str
    status_word: str
    status_meaning: str
    score: int
    max_score: int
    bonus: int
    max_bonus: int
    counts: tuple[tuple[Verdict, str, str], ...]
    checks: tuple[CheckView, ...]
    mend: tuple[CheckView, ...]
    waiting: tuple[CheckView, ...]
    untried: bool
    problems: tuple[FindingView, ...]
    remarks: tuple[FindingView, ...]
    images: tuple[ResolvedImage, ...]
    stages: tuple[tuple[str, float], ...]
    versions: tuple[tuple[str, str], ...]
    seed: int
    started_at: str
    errors: tuple[str, ...]


def page_view(result: Result, lang: str, audience: Audience) -> PageView:
    """Return what `audience` may read of `result` in `lang`; every string is cleaned, none is escaped yet."""
    words = Words(lang, result.assignment)
    grade = result.grade
    by_check = {o.check: o for o in result.outcomes}
    titles = {s.id: s.title.in_language(lang) for s in result.assignment.checks}
    specs = result.assignment.checks if grade.status != "rejected" else ()
    checks = tuple(
        check_view(
            s,
            by_check.get(s.id, NOT_JUDGED),
            points=grade.points.get(s.id, 0),
            titles=titles,
            words=words,
            audience=audience,
        )
        for s in specs
    )
    ranked = sorted(result.findings, key=lambda f: (SEVERITIES.index(f.severity), f.file, f.line))
    findings = tuple(finding_view(f, words) for f in ranked)
    return PageView(
        lang=lang,
        title=result.assignment.title.in_language(lang),
        submission=untrusted.one_line(result.submission, limit=120),
        status=grade.status,
        status_word=words(STATUSES[grade.status]),
        status_meaning=words(STATUS_MEANINGS[grade.status]),
        score=grade.score,
        max_score=grade.max_score,
        bonus=grade.bonus,
        max_bonus=grade.max_bonus,
        counts=tuple(
            (verdict, GLYPHS[verdict], words(Text(text.msgid, {"n": number})))
            for verdict, text in COUNTS.items()
            if (number := sum(c.verdict == verdict for c in checks))
        ),
        checks=checks,
        mend=tuple(c for c in checks if c.verdict == "failed"),
        waiting=tuple(c for c in checks if c.verdict == "blocked" and c.blocked_by),
        untried=any(c.verdict == "blocked" and not c.blocked_by for c in checks),
        problems=tuple(f for f in findings if f.severity != "notice"),
        remarks=tuple(f for f in findings if f.severity == "notice"),
        images=result.images,
        stages=tuple((words.stage(name), seconds) for name, seconds in result.stages.items()),
        versions=tuple(result.versions.items()),
        seed=result.seed,
        started_at=untrusted.one_line(result.started_at, limit=40),
        errors=tuple(untrusted.clean(e) for e in result.errors) if audience == "instructor" else (),
    )


def check_view(
    spec: CheckSpec, outcome: Outcome, *, points: int, titles: Mapping[str, str], words: Words, audience: Audience
) -> CheckView:
    """Return one check as `audience` may see it."""
    view = CheckView(
        id=spec.id,
        title=spec.title.in_language(words.lang),
        verdict=outcome.verdict,
        glyph=GLYPHS[outcome.verdict],
        word=words(VERDICTS[outcome.verdict]),
        points=points,
        max_points=spec.points,
        level=spec.level,
        level_word=words(LEVELS[spec.level]),
        hidden=spec.visibility == "hidden",
        blocked_by=outcome.blocked_by,
        open_to_reader=audience == "instructor" or spec.visibility == "public",
    )
    if not view.open_to_reader:
        return view
    reason = REASONS.get(outcome.reason)
    return view._replace(
        requirement=spec.requirement.in_language(words.lang).strip(),
        reason=untrusted.one_line(outcome.reason, limit=60),
        reason_title=words(reason.title) if reason else "",
        why=words(reason.why) if reason else "",
        hint=words(reason.hint) if reason else "",
        expected=words(outcome.expected),
        observed=words(outcome.observed),
        waits_for=titles.get(outcome.blocked_by, outcome.blocked_by),
        evidence=tuple(Proof(words(e.title), untrusted.lines(e.lines)) for e in outcome.evidence)
        if outcome.verdict != "blocked"  # what stopped the whole submission stands once, among the findings
        else (),
        began=outcome.began,
        seconds=max(0.0, outcome.ended - outcome.began),
        timeline=rows(outcome.events, outcome.began, words),
    )


def finding_view(finding: Finding, words: Words) -> FindingView:
    """Return a finding with its place written as "file:line"."""
    place = untrusted.one_line(finding.file, limit=200)
    if place and finding.line:
        place = f"{place}:{finding.line}"
    return FindingView(
        code=finding.code,
        severity=finding.severity,
        place=place,
        path=untrusted.one_line(finding.path, limit=200),
        message=words(finding.message),
        remedy=words(finding.remedy),
        detail=untrusted.lines(finding.detail, limit=40),
    )


def headline(view: CheckView, words: Words) -> str:
    """Return in one line what is wrong with a check that did not pass: the mistake, or what it waits for."""
    if view.verdict == "blocked":
        return words(msg("waits for: %(title)s", title=view.waits_for)) if view.waits_for else ""
    return view.reason_title or view.observed or view.reason
