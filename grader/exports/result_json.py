"""`result.json`: the result of one grading for programs; every field is described in docs/formats.md."""

import json
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from grader import atomic, untrusted
from grader.model.assignment import CheckSpec, Level, Visibility
from grader.model.findings import Finding, Severity
from grader.model.grade import ResolvedImage, Status
from grader.model.outcome import Outcome, Verdict
from grader.model.text import Text, msg
from grader.presentation import limits
from grader.presentation.audience import Audience, Redacted
from grader.presentation.findings import worst

SCHEMA: Final = "grader/result/v1"


_NOT_JUDGED = Outcome(check="", verdict="error", reason="not-judged")
_REFUSED = Outcome(check="", verdict="blocked", reason="submission-refused")


class CheckEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One rubric row and what became of it; `began` and `seconds` are on the stack's clock."""

    id: str
    title: str
    outcome: Verdict
    points: int
    max_points: int
    level: Level
    visibility: Visibility
    reason: str
    needs: tuple[str, ...]
    blocked_by: str
    expected: str
    observed: str
    began: float
    seconds: float


class FindingEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A remark on the submission: where (line counts from 1, 0 unknown), what, and the way to mend it."""

    code: str
    severity: Severity
    file: str
    line: int
    path: str
    message: str
    remedy: str
    detail: tuple[str, ...]


class ImageEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Which image stood behind a name; `version` and `differs` tell an equivalent from its original."""

    name: str
    reference: str
    digest: str
    equivalent: bool
    version: str
    differs: tuple[str, ...]


class ResultDocument(msgspec.Struct, frozen=True, kw_only=True, rename={"schema_": "schema"}):
    """The whole document."""

    schema_: Literal["grader/result/v1"]
    lang: Literal["es", "en"]
    audience: Audience
    assignment: str
    assignment_version: str
    submission: str
    status: Status
    score: int
    max_score: int
    bonus: int
    max_bonus: int
    checks: tuple[CheckEntry, ...]
    findings: tuple[FindingEntry, ...]
    stages: dict[str, float]
    images: tuple[ImageEntry, ...]
    versions: dict[str, str]
    seed: int
    started_at: str
    errors: tuple[str, ...]


def document(result: Redacted, *, lang: str = "es") -> dict[str, Any]:
    """Return the document as plain data."""
    built: dict[str, Any] = msgspec.json.decode(encode(typed(result, lang)))
    return built


def write(result: Redacted, path: Path, *, lang: str = "es") -> None:
    """Write the document to `path` in one step: readers see the old file or the whole new one. Raises OSError."""
    data = msgspec.json.format(encode(typed(result, lang)), indent=2) + b"\n"
    atomic.write(path, data)


def encode(value: object) -> bytes:
    """Return `value` as JSON that may be printed: no control or direction signs, no command of a CI service."""
    text = msgspec.json.encode(value).decode()
    if not text.isprintable():
        text = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    # two signs stand together only inside of strings, where either may be written by its number
    return text.replace("##", "#\\u0023").encode()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document, made from its types."""
    schema = msgspec.json.schema(ResultDocument)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def typed(result: Redacted, lang: str) -> ResultDocument:
    """Return the document before it is written: every text cleaned and capped."""
    extra = Path(result.assignment.directory) if result.assignment.directory else None

    def words(text: Text | None) -> str:
        return untrusted.rendered(text, lang, extra) if text else ""

    def finding(f: Finding) -> FindingEntry:
        return FindingEntry(
            code=untrusted.one_line(f.code, limit=limits.CODE),
            severity=f.severity,
            file=untrusted.one_line(f.file),
            line=f.line,
            path=untrusted.one_line(f.path),
            message=words(f.message),
            remedy=words(f.remedy),
            detail=untrusted.lines(f.detail),
        )

    def check(spec: CheckSpec, outcome: Outcome) -> CheckEntry:
        return CheckEntry(
            id=spec.id,
            title=spec.title.in_language(lang),
            outcome=outcome.verdict,
            points=result.grade.points.get(spec.id, 0),
            max_points=spec.points,
            level=spec.level,
            visibility=spec.visibility,
            reason=untrusted.one_line(outcome.reason, limit=limits.CODE),
            needs=spec.needs,
            blocked_by=untrusted.one_line(outcome.blocked_by, limit=limits.ID),
            expected=words(outcome.expected),
            observed=words(outcome.observed),
            began=round(outcome.began, 3),
            seconds=round(max(0.0, outcome.ended - outcome.began), 3),
        )

    by_check = {o.check: o for o in result.outcomes}
    missing = _REFUSED if result.grade.status == "rejected" else _NOT_JUDGED
    return ResultDocument(
        schema_=SCHEMA,
        lang="en" if lang == "en" else "es",
        audience=result.audience,
        assignment=result.assignment.id,
        assignment_version=result.assignment.version,
        submission=untrusted.one_line(result.submission),
        status=result.grade.status,
        score=result.grade.score,
        max_score=result.grade.max_score,
        bonus=result.grade.bonus,
        max_bonus=result.grade.max_bonus,
        checks=tuple(check(spec, by_check.get(spec.id, missing)) for spec in result.assignment.checks),
        findings=tuple(finding(f) for f in worst(result.findings, limits.JSON_FINDINGS)),
        stages={
            untrusted.one_line(name, limit=limits.CODE): round(seconds, 3) for name, seconds in result.stages.items()
        },
        images=tuple(_image(i) for i in result.images[: limits.JSON_ENTRIES]),
        versions={untrusted.one_line(k): untrusted.one_line(v) for k, v in result.versions.items()},
        seed=result.seed,
        started_at=untrusted.one_line(result.started_at, limit=limits.MOMENT),
        errors=_errors(result, lang),
    )


def _image(image: ResolvedImage) -> ImageEntry:
    return ImageEntry(
        name=untrusted.one_line(image.name),
        reference=untrusted.one_line(image.reference),
        digest=untrusted.one_line(image.digest),
        equivalent=image.equivalent,
        version=untrusted.one_line(image.version),
        differs=tuple(untrusted.one_line(d) for d in image.differs),
    )


def _errors(result: Redacted, lang: str) -> tuple[str, ...]:
    if result.trouble:
        trouble = msg("The grader had a problem of its own; your teacher can read the details.")
        return (untrusted.rendered(trouble, lang),)
    return tuple(untrusted.clean(e) for e in result.errors[: limits.JSON_ENTRIES])
