"""The console: progress while a submission is graded, and the verdict at the end; plain lines where there is no tty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text as Line

from grader import untrusted
from grader.events import CheckBegan, CheckEnded, Notice, StageBegan, StageEnded
from grader.model.findings import Finding
from grader.model.text import literal, msg
from grader.presentation import limits
from grader.presentation.findings import SEVERITIES as RANKS
from grader.presentation.findings import worst
from grader.presentation.words import GLYPHS, STATUS_MEANINGS, STATUSES, Words
from grader.reports.view import finding_view, headline, page_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rich.status import Status

    from grader.events import PipelineEvent
    from grader.model.assignment import Assignment
    from grader.model.outcome import Outcome
    from grader.presentation.audience import Redacted
    from grader.reports.progress import Attempt
    from grader.reports.view import CheckView, FindingView, PageView

STYLES = {"passed": "green", "failed": "bold red", "blocked": "yellow", "error": "bold magenta"}
SEVERITIES = {"error": ("✗", "bold red"), "warning": ("!", "yellow"), "notice": ("·", "dim")}


class ConsoleListener:
    """Prints the pipeline's events: a spinner for what runs, one line for what has ended.

    Where the console is no terminal there is no spinner, only the lines. Use it as a context manager, so that the
    spinner goes away when the pipeline raises.
    """

    def __init__(self, console: Console, assignment: Assignment | None, lang: str) -> None:
        self._console = console
        self._assignment = assignment
        self._words = Words(lang, assignment)
        self._status: Status | None = None

    def __enter__(self) -> ConsoleListener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, event: PipelineEvent) -> None:
        """Show one event."""
        match event:
            case StageBegan(stage=stage):
                self._running(self._words.stage(stage))
            case StageEnded(stage=stage, seconds=seconds, ok=ok):
                self._running("")
                self._line("✓" if ok else "✗", "cyan" if ok else "bold red", self._words.stage(stage), seconds)
            case CheckBegan(check=check):
                self._running(self._title(check))
            case CheckEnded(outcome=outcome):
                self._running("")
                self._check(outcome)
            case Notice(text=text):
                self._console.print(Line(f"  {untrusted.for_log(self._words(text))}", style="dim"))

    def close(self) -> None:
        """Take the spinner away; what is printed stays."""
        self._running("")

    def _check(self, outcome: Outcome) -> None:
        seconds = outcome.ended - outcome.began
        self._line(GLYPHS[outcome.verdict], STYLES[outcome.verdict], self._title(outcome.check), seconds, indent=2)

    def _title(self, check: str) -> str:
        specs = self._assignment.checks if self._assignment else ()
        return next((s.title.in_language(self._words.lang) for s in specs if s.id == check), check)

    def _line(self, glyph: str, style: str, text: str, seconds: float, indent: int = 0) -> None:
        line = Line(" " * indent).append(glyph, style=style).append(f" {untrusted.for_log(text)}")
        if seconds > 0:
            line.append(f"  {seconds:.1f} s", style="dim")
        self._console.print(line)

    def _running(self, text: str) -> None:
        if not self._console.is_terminal:
            return
        if not text and self._status:
            self._status.stop()
            self._status = None
        elif text and self._status:
            self._status.update(Line(untrusted.for_log(text)))
        elif text:
            self._status = self._console.status(Line(untrusted.for_log(text)))
            self._status.start()


def summary(
    result: Redacted,
    console: Console,
    *,
    lang: str = "es",
    report: Path | None = None,
    earlier: Attempt | None = None,
) -> None:
    """Print the verdict: findings, what failed with expected, observed and hint, the score, where the report lies.

    earlier: the attempt before this one, to say what changed since.
    """
    words = Words(lang, result.assignment)
    view = page_view(result, lang, earlier)
    console.print()
    if view.problems:
        for shown in view.problems:
            _finding(console, shown, words)
    trouble = [c for c in view.checks if c.verdict == "error"]
    at_once = len(trouble) > 1 and len({(c.reason, c.observed) for c in trouble}) == 1
    if at_once:
        _trouble(console, trouble[0])
    for check in (c for c in view.checks if c.verdict == "failed" or (c.verdict == "error" and not at_once)):
        _failed(console, check, words)
    _waiting(console, view, words)
    for title, how, verdict in view.progress or ():
        line = Line(GLYPHS[verdict], style=STYLES[verdict]).append(f" {untrusted.for_log(title)}: ", style="default")
        console.print(line.append(untrusted.for_log(how), style="bold"))
    if view.status != "final":
        console.print(Line(words(STATUS_MEANINGS[result.grade.status]), style="bold"))
    console.print(_verdict(view, words))
    if report is not None:
        place = untrusted.for_log(words(msg("Report: %(path)s", path=str(report))), limit=untrusted.MAX_CHARS)
        console.print(Line(place), soft_wrap=True)


def findings(
    found: Iterable[Finding], console: Console, *, lang: str = "es", assignment: Assignment | None = None
) -> None:
    """Print findings alone, the worst first (for refused submissions and for `inspect`)."""
    words = Words(lang, assignment)
    for finding in sorted(worst(tuple(found), limits.CONSOLE_FINDINGS), key=lambda f: RANKS.index(f.severity)):
        _finding(console, finding_view(finding, words), words)


def print_verdict(verdict: Mapping[str, Any], lang: str, console: Console | None = None) -> None:
    """Print what `grader inspect` found: the findings, then what would run or that it is refused.

    verdict: the document that `inspect --json` prints ({accepted, findings, effective}).
    """
    screen = console or Console()
    words = Words(lang)
    findings([_from_plain(entry) for entry in verdict["findings"]], screen, lang=lang)
    if not verdict["accepted"]:
        screen.print(Line(words(STATUSES["rejected"]), style="bold red"))
        return
    screen.print(Line(words(msg("Accepted. This would run:")), style="bold green"))
    for name, service in (verdict.get("effective") or {}).get("services", {}).items():
        times = untrusted.for_log(str(service.get("scale", 1)), limit=20)
        line = Line().append(f"  {untrusted.for_log(str(name))}", style="bold")
        if times != "1":
            line.append(f" x {times}")
        screen.print(line.append(f"  {untrusted.for_log(str(service.get('image', '')))}", style="dim"))


def _from_plain(entry: Mapping[str, Any]) -> Finding:
    return Finding(
        code=str(entry["code"]),
        severity=entry["severity"],
        message=literal(str(entry["message"])),
        file=str(entry.get("file") or ""),
        line=int(entry.get("line") or 0),
        path=str(entry.get("path") or ""),
        remedy=literal(str(entry["remedy"])) if entry.get("remedy") else None,
        detail=tuple(entry.get("detail") or ()),
    )


def _verdict(view: PageView, words: Words) -> Line:
    if view.status == "rejected":
        return Line(view.status_word, style="bold red")
    style = "bold green" if view.score == view.max_score else "bold"
    line = Line().append(f"{view.status_word}: {view.score} / {view.max_score}", style=style)
    if view.max_bonus:
        bonus = words(msg("Bonus, counted apart: %(got)s of %(most)s", got=view.bonus, most=view.max_bonus))
        line.append(f"  {bonus}", style="dim")
    return line


def _trouble(console: Console, check: CheckView) -> None:
    """Print once what kept all checks from being judged, and how to mend it."""
    console.print(Line(f"! {untrusted.for_log(check.observed)}", style=STYLES["error"]))
    for proof in check.evidence:
        console.print(Padding(Line(untrusted.for_log(proof.title)), (0, 0, 0, 2)))
    console.print()


def _failed(console: Console, check: CheckView, words: Words) -> None:
    head = (
        Line()
        .append(f"{check.glyph} ", style=STYLES[check.verdict])
        .append(untrusted.for_log(check.title), style="bold")
    )
    head.append(f"  {check.points} / {check.max_points}", style="dim")
    if check.level == "bonus":
        head.append(f"  {check.level_word}", style="dim")
    console.print(head)
    if check.open_to_reader:
        _field(console, "", check.reason_title)
        _field(console, words(msg("Expected")), check.expected)
        _field(console, words(msg("Observed")), check.observed)
        _field(console, words(msg("What to look at")), check.hint)
    console.print()


def _waiting(console: Console, view: PageView, words: Words) -> None:
    if view.untried and view.status != "rejected":
        text = msg(
            "Checks could not be tried, because the submission does not build or start. "
            "Begin with what we found in your files."
        )
        console.print(Line(words(text), style="bold"))
    for check in view.waiting:
        cause = untrusted.for_log(headline(check, words)) if check.open_to_reader else ""
        line = Line().append(f"{check.glyph} ", style=STYLES["blocked"]).append(untrusted.for_log(check.title))
        console.print(line.append(f"  {cause}", style="dim"))
    if view.waiting:
        console.print()


def _finding(console: Console, finding: FindingView, words: Words) -> None:
    glyph, style = SEVERITIES[finding.severity]
    head = Line().append(f"{glyph} ", style=style)
    if finding.place:
        head.append(untrusted.for_log(finding.place), style="bold").append("  ")
    head.append(untrusted.for_log(finding.message))
    console.print(head)
    _field(console, words(msg("How to mend it:")).rstrip(":"), finding.remedy)
    for line in finding.detail[-limits.CONSOLE_LINES :]:
        console.print(Padding(Line(f"│ {untrusted.for_log(line)}", style="dim"), (0, 0, 0, 4), expand=False))
    console.print(Padding(Line(f"[{untrusted.for_log(finding.code)}]", style="dim"), (0, 0, 0, 2), expand=False))


def _field(console: Console, name: str, value: str) -> None:
    if value:
        line = Line().append(f"{name}: " if name else "", style="dim").append(untrusted.for_log(value))
        console.print(Padding(line, (0, 0, 0, 2), expand=False))
