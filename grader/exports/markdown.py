"""A result in Markdown: GitHub's job summary, a release's notes. What a submission wrote does nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grader import untrusted
from grader.exports.shown import BONUS, Shown, place, shown
from grader.model.text import msg
from grader.presentation import limits
from grader.presentation.words import STATUSES, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.exports.result_json import CheckEntry, FindingEntry
    from grader.presentation.audience import Redacted

ROOM: Final = 900_000  # bytes; GitHub drops a step's summary above 1 MiB
_SIGNS: Final = {"passed": "✅", "failed": "❌", "blocked": "⏸️", "error": "⚠️"}
_MARKS: Final = {"error": "❌", "warning": "⚠️", "notice": "ℹ️"}  # noqa: RUF001 - a sign, not a letter


def text(result: Redacted, *, lang: str, room: int = ROOM, remarks: tuple[str, ...] = ()) -> bytes:
    """Return the page, UTF-8, at most `room` bytes (2,000 or more): what does not fit is left out and said so.

    remarks: further plain lines below the score, of the gradebook (late, overrides, comment).
    """
    seen = shown(result, lang)
    left_out = "\n" + _plain(seen.say(msg("More is left out here; the report has all of it."))) + "\n"
    free = room - len(left_out.encode())
    kept: list[bytes] = []
    for block in _blocks(seen, remarks):
        data = f"{block}\n".encode("utf-8", "replace")
        if len(data) > free:
            kept.append(left_out.encode())
            break
        kept.append(data)
        free -= len(data)
    return b"".join(kept)


def _blocks(seen: Shown, remarks: tuple[str, ...]) -> Iterator[str]:
    document = seen.document
    yield f"## {_plain(seen.title)}\n"
    yield f"**{_plain(seen.say(STATUSES[document.status]))}: {document.score} / {document.max_score}**\n"
    if document.max_bonus:
        yield f"{_plain(seen.say(BONUS))}: {document.bonus} / {document.max_bonus}\n"
    for remark in (*remarks, *document.errors):
        yield f"> {_plain(remark)}\n"
    names = (msg("Check"), msg("Outcome"), msg("Points"))
    yield f"| | {' | '.join(_plain(seen.say(n)) for n in names)} |\n|---|---|---|---:|"
    yield from (_row(seen, check) for check in document.checks)
    yield ""
    for check in document.checks:
        # a check that was not tried because nothing could be started has its reason among the findings
        if (check.outcome in {"failed", "error"} or check.blocked_by) and seen.facts(check):
            yield _detail(seen, check)
    if document.findings:
        yield f"### {_plain(seen.say(msg('What the files say')))}\n"
        yield from (_finding(f) for f in document.findings[: limits.MARKDOWN_FINDINGS])
        if len(document.findings) > limits.MARKDOWN_FINDINGS:
            left = len(document.findings) - limits.MARKDOWN_FINDINGS
            yield f"- {_plain(seen.say(msg('%(n)s more findings are left out here.', n=left)))}"


def _row(seen: Shown, check: CheckEntry) -> str:
    title = f"{untrusted.markdown_code(check.id)} {_plain(check.title)}"
    if check.level == "bonus":
        title += f" ({_plain(seen.say(BONUS))})"
    outcome = _plain(seen.say(VERDICTS[check.outcome]))
    return f"| {_SIGNS[check.outcome]} | {title} | {outcome} | {check.points} / {check.max_points} |"


def _detail(seen: Shown, check: CheckEntry) -> str:
    lines = [f"### {_SIGNS[check.outcome]} {_plain(check.title)}\n"]
    lines += [f"- **{_plain(label)}:** {_plain(words)}" if label else f"- {_plain(words)}"
              for label, words in seen.facts(check)]  # fmt: skip
    return "\n".join((*lines, ""))


def _finding(finding: FindingEntry) -> str:
    where = untrusted.markdown_code(untrusted.for_log(place(finding)))
    parts = (_MARKS[finding.severity], where, _plain(finding.message), _plain(finding.remedy))
    return "- " + " ".join(p for p in parts if p)


def _plain(words: str) -> str:
    return untrusted.markdown(words, limit=limits.MARKDOWN_TEXT)
