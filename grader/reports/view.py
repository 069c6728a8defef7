"""What the page shows, in one language and for one audience: plain strings, decided here and not in the template."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grader import untrusted
from grader.brokers.reasons import reason_of
from grader.model.grade import ResolvedImage
from grader.model.outcome import Outcome
from grader.model.text import Text, msg
from grader.presentation import limits
from grader.presentation.findings import LEFT_OUT, SEVERITIES, worst
from grader.presentation.words import COUNTS, GLYPHS, LEVELS, STATUS_MEANINGS, STATUSES, VERDICTS, Words
from grader.reports import fitting
from grader.reports.progress import WORDS as HOW
from grader.reports.progress import changes
from grader.reports.timeline import Row, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grader.model.assignment import CheckSpec
    from grader.model.findings import Finding
    from grader.model.grade import Result
    from grader.model.outcome import Evidence, Verdict
    from grader.presentation.audience import Redacted
    from grader.reports.progress import Attempt

NOT_JUDGED = Outcome(check="", verdict="error", reason="not-judged")


class Budget(NamedTuple):
    """How many bytes of the page one check may fill."""

    evidence: int = limits.EVIDENCE
    timeline: int = limits.TIMELINES


WHOLE = Budget()


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

    progress: what changed since the last attempt (title, in words, verdict), None where there was none.
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
    failed: tuple[CheckView, ...]
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
    progress: tuple[tuple[str, str, Verdict], ...] | None = None


def page_view(result: Redacted, lang: str, earlier: Attempt | None = None) -> PageView:
    """Return what is to be read of `result` in `lang`; every string is cleaned and capped, none escaped yet."""
    words = Words(lang, result.assignment)
    grade = result.grade
    by_check = {o.check: o for o in result.outcomes}
    titles = {s.id: s.title.in_language(lang) for s in result.assignment.checks}
    specs = result.assignment.checks if grade.status != "rejected" else ()
    outcomes = [by_check.get(s.id, NOT_JUDGED) for s in specs]
    checks = tuple(
        check_view(
            spec,
            outcome,
            points=grade.points.get(spec.id, 0),
            titles=titles,
            words=words,
            open_to_reader=spec.id not in result.closed,
            budget=budget,
        )
        for spec, outcome, budget in zip(specs, outcomes, _budgets(outcomes), strict=True)
    )
    findings = _findings(result.findings, words)
    untried = any(c.verdict == "blocked" and c.open_to_reader and not c.blocked_by for c in checks)
    return PageView(
        lang=lang,
        title=result.assignment.title.in_language(lang),
        submission=untrusted.one_line(result.submission, limit=limits.ID),
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
        failed=tuple(c for c in checks if c.verdict == "failed"),
        waiting=tuple(
            c for c in checks if c.verdict == "blocked" and (c.blocked_by or not (c.open_to_reader or untried))
        ),
        untried=untried,
        problems=tuple(f for f in findings if f.severity != "notice"),
        remarks=tuple(f for f in findings if f.severity == "notice"),
        images=tuple(_image(i) for i in result.images[: limits.PAGE_ENTRIES]),
        stages=tuple((words.stage(name), seconds) for name, seconds in result.stages.items()),
        versions=tuple(
            (untrusted.one_line(name, limit=limits.CODE), untrusted.one_line(version, limit=limits.ID))
            for name, version in list(result.versions.items())[: limits.PAGE_ENTRIES]
        ),
        seed=result.seed,
        started_at=untrusted.one_line(result.started_at, limit=limits.MOMENT),
        errors=tuple(fitting.cut(untrusted.clean(e)) for e in result.errors[: limits.PAGE_ENTRIES]),
        progress=_progress(earlier, result, titles, words),
    )


def _progress(
    earlier: Attempt | None, result: Result, titles: Mapping[str, str], words: Words
) -> tuple[tuple[str, str, Verdict], ...] | None:
    found = changes(earlier, result)
    verdicts = {o.check: o.verdict for o in result.outcomes}
    if found is None:
        return None
    return tuple((titles[c.check], words(HOW[c.how]), verdicts[c.check]) for c in found)


def check_view(
    spec: CheckSpec,
    outcome: Outcome,
    *,
    points: int,
    titles: Mapping[str, str],
    words: Words,
    open_to_reader: bool,
    budget: Budget = WHOLE,
) -> CheckView:
    """Return one check in words."""
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
        blocked_by=untrusted.one_line(outcome.blocked_by, limit=limits.ID),
        open_to_reader=open_to_reader,
    )
    if not view.open_to_reader:
        return view
    reason = reason_of(outcome.reason, words.extra)
    return view._replace(
        requirement=spec.requirement.in_language(words.lang).strip(),
        reason=untrusted.one_line(outcome.reason, limit=limits.CODE),
        reason_title=words(reason.title) if reason else "",
        why=words(reason.why) if reason else "",
        hint=words(reason.hint) if reason else "",
        expected=fitting.cut(words(outcome.expected)),
        observed=fitting.cut(words(outcome.observed)),
        waits_for=titles.get(outcome.blocked_by, view.blocked_by),
        evidence=_proofs(outcome.evidence, words, budget.evidence)
        if outcome.verdict != "blocked"  # what stopped the whole submission stands once, among the findings
        else (),
        began=outcome.began,
        seconds=max(0.0, outcome.ended - outcome.began),
        timeline=rows(outcome.events, outcome.began, words, budget.timeline),
    )


def finding_view(finding: Finding, words: Words, budget: int = limits.FINDINGS) -> FindingView:
    """Return a finding with its place written as "file:line", in at most `budget` bytes."""
    place = untrusted.one_line(finding.file, limit=limits.NAME)
    if place and finding.line:
        place = f"{place}:{finding.line}"
    text = min(limits.TEXT, budget * 2 // 5)
    return FindingView(
        code=untrusted.one_line(finding.code, limit=limits.CODE),
        severity=finding.severity,
        place=place,
        path=untrusted.one_line(finding.path, limit=limits.NAME),
        message=fitting.cut(words(finding.message), text),
        remedy=fitting.cut(words(finding.remedy), text),
        detail=fitting.last_lines(untrusted.lines(finding.detail, limit=limits.DETAIL_LINES), budget // 5),
    )


def headline(view: CheckView, words: Words) -> str:
    """Return in one line what is wrong with a check that did not pass: the mistake, or what it waits for."""
    if view.verdict == "blocked":
        return words(msg("waits for: %(title)s", title=view.waits_for)) if view.waits_for else ""
    return view.reason_title or view.observed or view.reason


def _budgets(outcomes: Sequence[Outcome]) -> tuple[Budget, ...]:
    """Share the page out among the checks: what did not pass gets three times as much."""
    weights = [1 if o.verdict == "passed" else 3 for o in outcomes]
    evidence = fitting.shares(limits.EVIDENCE, [w * bool(o.evidence) for o, w in zip(outcomes, weights, strict=True)])
    timelines = fitting.shares(limits.TIMELINES, [w * bool(o.events) for o, w in zip(outcomes, weights, strict=True)])
    return tuple(Budget(*shares) for shares in zip(evidence, timelines, strict=True))


def _proofs(evidence: Sequence[Evidence], words: Words, budget: int) -> tuple[Proof, ...]:
    shown = evidence[: limits.PAGE_PROOFS]
    each = budget // max(1, len(shown))
    return tuple(
        Proof(
            fitting.cut(words(e.title), each // 4),
            fitting.last_lines(untrusted.lines(e.lines), each * 3 // 4),
        )
        for e in shown
    )


def _findings(findings: Sequence[Finding], words: Words) -> tuple[FindingView, ...]:
    shown = worst(findings, limits.PAGE_FINDINGS)
    ranked = sorted(shown, key=lambda f: (SEVERITIES.index(f.severity), f.code == LEFT_OUT, f.file, f.line))
    each = limits.FINDINGS // max(1, len(ranked))
    return tuple(finding_view(f, words, each) for f in ranked)


def _image(image: ResolvedImage) -> ResolvedImage:
    return ResolvedImage(
        name=untrusted.one_line(image.name, limit=limits.NAME),
        reference=untrusted.one_line(image.reference, limit=limits.NAME),
        digest=untrusted.one_line(image.digest, limit=limits.NAME),
        equivalent=image.equivalent,
        differs=tuple(untrusted.one_line(d, limit=limits.CODE) for d in image.differs[: limits.IMAGE_LACKS]),
        version=untrusted.one_line(image.version, limit=limits.CODE),
    )
