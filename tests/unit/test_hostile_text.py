"""Whatever a submission calls its files, queues and clients or writes to its logs: it is shown, it never acts.

Every field that a submission has a hand in holds hostile text here, in all three forms of a result.
"""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import click
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from grader.cli.common import guarded
from grader.errors import GraderError, SubmissionRefusedError, UsageError
from grader.events import CheckBegan, CheckEnded, Notice, StageBegan, StageEnded
from grader.exports import json_lines, result_json
from grader.model.findings import Finding
from grader.model.grade import ResolvedImage, Result
from grader.model.history import Event
from grader.model.outcome import Evidence, Outcome
from grader.model.text import Bilingual, literal, msg
from grader.presentation import limits
from grader.presentation.audience import redacted, redacting
from grader.reports import console, html
from tests.unit.reports import builders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model.assignment import Visibility
    from grader.presentation.audience import Audience

ATTACKS = (
    "<script>alert(1)</script>",
    "</pre></style></title></details><svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' style='background:url(//evil.example)",
    "javascript:alert(1)",
    "]]><!--",
    "{{7*7}}{% include '/etc/passwd' %}{# #}${7*7}#{7*7}",
    "%(value)s %(n)d %s %n %% {0} {x.__class__}",
    "[bold red]x[/] [link=https://evil.example]y[/link] [/][[",
    ":warning: :boom:",
    "\x1b[2J\x1b[31m\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\x",
    "\x1b]0;never ends",
    "\x9b31m\x90q\x9d0;t\x9c\x84\x85\x0b\x0c\x1c\x1d\x1e",
    "\u202egnp.exe\u2066\u2067\u200f\u061c\u200b\ufeff\u00ad\u3164\U000e0041",
    "a" + "\u0301" * 500,
    "::error file=a,line=1::x",
    ":::error::x",
    "\r::set-output name=grade::100\r\n::stop-commands::x",
    "##[error]x ##vso[task.setvariable variable=x]y ##teamcity[testFailed name='x']",
    "#\x00#[group]x",
    "section_start:0:x travis_fold:start:x",
    "\ud800\udfff lone",
    "x\nx\r\nx\rx\u2028x\u2029x\x85x",
    "\ufdfd" * 300,
    "x" * 30_000,
    "&amp;&lt;&#x3c;script&#62;",
    "\x00",
    "'\"`\\",
)
hostile = st.sampled_from(ATTACKS) | st.lists(
    st.sampled_from(ATTACKS) | st.text(st.characters(exclude_categories=()), max_size=40), max_size=4
).map("".join)

OURS = re.compile(r"\x1b\[[0-9;]*m")
CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
COMMAND = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)


def full(text: str, *, mark: Callable[[str], str] = lambda text: text) -> Result:
    """Build a result in which `text` stands wherever a submission has a hand in, and something to be seen after it."""
    text += "\nx"
    events = (
        Event(at=1.0, source="grader", kind="fault", actor=text, data={"action": "kill"}),
        Event(at=1.1, source="amqp", kind="published", subject=text, actor=text, data=_data(text)),
        Event(at=1.2, source=text, kind=text, subject=text, actor=text, data={text: text, "error": text}),
        Event(at=1.3, source="kafka", kind="group", subject=text, data={"nested": {text: [text] * 50}}),
    )

    def outcome(number: int, check: str, *, visible: bool) -> Outcome:
        shown = text if visible else mark(text)
        return Outcome(
            check=check,
            verdict="failed" if number % 2 else "passed",
            reason=shown,
            expected=msg("the queue %(queue)s is declared durable", queue=shown),
            observed=literal(shown),
            evidence=(Evidence(title=msg("Last lines of %(name)s", name=shown), lines=(shown,) * 3),),
            began=1.0,
            ended=2.0,
            events=events if visible else tuple(_marked(e, shown) for e in events),
        )

    outcomes = tuple(
        outcome(n, spec.id, visible=spec.visibility == "public") for n, spec in enumerate(builders.ASSIGNMENT.checks)
    )
    finding = Finding(
        code=text,
        severity="error",
        message=msg("%(service)s asks to be privileged: it would have the whole machine.", service=text),
        file=text,
        line=3,
        path=text,
        remedy=literal(text),
        detail=(text, text),
    )
    return builders.result(
        *outcomes,
        findings=(finding, msgspec.structs.replace(finding, severity="notice")),
        submission=text,
        images=(
            ResolvedImage(name=text, reference=text, digest=text),
            ResolvedImage(name=text, reference=text, equivalent=True, differs=(text,), version=text),
        ),
        errors=(mark(text),),
        versions={"engine": text},
    )


def _data(text: str) -> dict[str, Any]:
    return {
        "exchange": text,
        "queues": [text] * 9,
        "routing_keys": [text],
        "path": text,
        "status": 200,
        "delivery_mode": 2,
    }


def _marked(event: Event, text: str) -> Event:
    return msgspec.structs.replace(event, subject=text, actor=text, data={**event.data, "error": text})


class Skeleton(HTMLParser):
    """The tags of a page with all their attributes, and the texts between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, *(f"{name}={value}" for name, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Note the end of one."""
        self.tags.append((f"/{tag}",))

    def handle_comment(self, data: str) -> None:
        """Note a comment: there is none of ours."""
        self.tags.append(("!", data))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(data)


HARMLESS = {
    audience: Skeleton(html.page(redacted(full("plain"), audience))).tags for audience in ("student", "instructor")
}


def on_console(result: Result, *, terminal: bool, width: int = 80, audience: Audience = "instructor") -> str:
    """Print everything that the console shows of a grading."""
    screen = Console(file=io.StringIO(), force_terminal=terminal, no_color=not terminal, width=width)
    text = result.submission
    with console.ConsoleListener(screen, result.assignment, "es") as listener:
        listen = redacting(listener, result.assignment, audience)
        listen(StageBegan(text))
        listen(Notice(msg("Removed what an interrupted run had left: %(name)s", name=text)))
        listen(StageEnded(text, 1.0, ok=False))
        for outcome in result.outcomes:
            listen(CheckBegan(outcome.check))
            listen(CheckEnded(outcome))
    console.summary(redacted(result, audience), screen)
    console.findings(result.findings, screen)
    entry = {"code": text, "severity": "error", "message": text, "file": text, "remedy": text, "path": text}
    screen_verdict = {"accepted": True, "findings": [entry], "effective": {"services": {text: {"image": text}}}}
    console.print_verdict(screen_verdict, "es", screen)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def as_lines(result: Result, audience: Audience = "instructor") -> str:
    """Write everything that `--json` writes of a grading."""
    stream = io.StringIO()
    with json_lines.Listener(stream, "es") as listener:
        listen = redacting(listener, result.assignment, audience)
        listen(Notice(msg("Removed what an interrupted run had left: %(name)s", name=result.submission)))
        for outcome in result.outcomes:
            listen(CheckBegan(outcome.check))
            listen(CheckEnded(outcome))
        listener.result(redacted(result, audience))
    return stream.getvalue()


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_the_page_has_the_tags_of_a_harmless_one(text: str) -> None:
    """No text becomes a tag, an attribute, an address, a script or a style; what remains is text."""
    page = html.page(redacted(full(text), "instructor"))
    found = Skeleton(page)
    assert found.tags == HARMLESS["instructor"]
    assert not {"script", "iframe", "object", "embed", "img", "link", "base", "form"} & {t[0] for t in found.tags}
    assert not CONTROLS.search(page)
    assert page.encode()


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_every_known_attack_in_every_form(attack: str) -> None:
    """The examples that we know, for both audiences, none left to chance."""
    result = full(attack)
    for audience in ("student", "instructor"):
        assert Skeleton(html.page(redacted(result, audience))).tags == HARMLESS[audience]
    assert_console_is_calm(result, 80)
    assert_lines_are_json(result)


def assert_console_is_calm(result: Result, width: int) -> None:
    """Check that the console shows text alone."""
    plain = on_console(result, terminal=False, width=width)
    assert "\x1b" not in plain
    for shown in (plain, OURS.sub("", on_console(result, terminal=False, width=width))):
        assert not CONTROLS.search(shown)
        assert not COMMAND.search(shown)


def assert_lines_are_json(result: Result) -> None:
    """Check that each line is one object and nothing else is written."""
    written = as_lines(result)
    rows = [json.loads(line) for line in written.removesuffix("\n").split("\n")]
    assert len(rows) == 2 + 2 * len(result.outcomes)
    assert all(isinstance(row, dict) for row in rows)
    assert not CONTROLS.search(written)
    assert not COMMAND.search(written)
    assert rows[-1]["type"] == "result"
    assert rows[-1]["score"] == result.grade.score


@settings(max_examples=40, deadline=None)
@given(hostile, st.sampled_from([20, 80, 250]))
def test_the_console_shows_text_alone(text: str, width: int) -> None:
    """No escape sequence, no markup, nothing invisible, no command of a CI service at the begin of a wrapped line."""
    assert_console_is_calm(full(text), width)


def test_a_terminal_sees_our_own_colours_only() -> None:
    """Where there is a terminal, what is not a colour of ours (or the spinner) is text."""
    for attack in ATTACKS:
        screen = Console(file=io.StringIO(), force_terminal=True, width=80)
        console.summary(redacted(full(attack), "instructor"), screen)
        assert isinstance(screen.file, io.StringIO)
        assert not CONTROLS.search(OURS.sub("", screen.file.getvalue()))


@settings(max_examples=60, deadline=None)
@given(hostile)
@example("##[error]")
def test_json_lines_are_json(text: str) -> None:
    """One object a line, whatever is quoted in it."""
    assert_lines_are_json(full(text))


def test_no_attack_changes_what_json_says() -> None:
    """The guard against commands in a CI log is one of writing: a reader of the JSON gets the text itself."""
    assert json.loads(result_json.encode({"a##[b": "###[x\\##"})) == {"a##[b": "###[x\\##"}
    assert b"##" not in result_json.encode("####")


def test_the_file_for_programs_is_whole(tmp_path: Path) -> None:
    """result.json is readable and names no command for who prints it."""
    for attack in ATTACKS:
        result_json.write(redacted(full(attack), "instructor"), tmp_path / "result.json")
        text = (tmp_path / "result.json").read_text("utf-8")
        assert json.loads(text)["schema"] == result_json.SCHEMA
        assert not CONTROLS.search(text)
        assert not COMMAND.search(text)
        html.write(redacted(full(attack), "instructor"), tmp_path / "report.html")


def test_one_value_does_not_swallow_the_words_around_it() -> None:
    """A name with an escape sequence that never ends, or of a megabyte, hides nothing of the message."""
    for name in ("\x1b]0;never ends", "\x1bP", "n" * 1_000_000, "\x9d" * 9):
        message = msg("%(service)s asks to be privileged: it would have the whole machine.", service=name)
        finding = Finding(code="privileged", severity="error", message=message)
        page = html.page(redacted(builders.result(rejected=True, findings=(finding,)), "instructor"), lang="en")
        assert "asks to be privileged: it would have the whole machine." in page


@pytest.mark.parametrize(
    "line", ["<&'\">" * 200, "日本語" * 300, "\u202e" * 500, "x"], ids=["escaped", "wide", "invisible", "short"]
)
def test_megabytes_of_logs_make_a_small_report(line: str) -> None:
    """Whatever is long is cut: the page, the document and the console stay readable."""
    many = (line,) * 100_000
    events = tuple(
        Event(at=n / 1000, source="amqp", kind="delivered", subject=f"{n}{line}", actor=line, data=_data(line))
        for n in range(400)
    )
    evidence = tuple(Evidence(title=literal(line), lines=many) for _ in range(20))
    outcomes = (
        Outcome(
            check=spec.id, verdict="failed", expected=literal(line), observed=literal(line), evidence=evidence,
            events=events,
        )
        for spec in builders.ASSIGNMENT.checks
    )  # fmt: skip
    findings = tuple(
        Finding(code="x", severity="warning", message=literal(line), remedy=literal(line), file=line, detail=many[:999])
        for _ in range(3_000)
    )
    result = builders.result(*outcomes, findings=findings, errors=many[:200])
    assert len(html.page(redacted(result, "instructor")).encode()) < 2_000_000
    assert len(on_console(result, terminal=False)) < 2_000_000


def test_errors_come_first_among_very_many_findings() -> None:
    """What is left out is the least of it, and its number is said."""
    notice = Finding(code="n", severity="notice", message=literal("small"))
    error = Finding(code="e", severity="error", message=literal("this is what refuses it"))
    result = builders.result(rejected=True, findings=(*(notice,) * 5_000, error))
    assert "this is what refuses it" in html.page(redacted(result, "instructor"))
    assert "4901 more findings are left out here." in html.page(redacted(result, "instructor"))
    document = result_json.document(redacted(result, "instructor"))
    assert (document["findings"][0]["code"], document["findings"][-1]["code"]) == ("e", "findings-left-out")
    assert len(document["findings"]) == limits.JSON_FINDINGS + 1


SECRET = "s3cret"


def test_a_student_reads_title_and_outcome_of_a_hidden_check_alone() -> None:
    """Requirement, reason, expected, observed, evidence, events, trouble and time: in no form that students get."""
    result = full("plain", mark=lambda text: f"{SECRET} {text}")
    result = msgspec.structs.replace(result, assignment=_with_secret_requirements(result))
    shown = {
        audience: (
            html.page(redacted(result, audience)),
            on_console(result, terminal=False, width=400, audience=audience),
            as_lines(result, audience),
            json.dumps(result_json.document(redacted(result, audience))),
        )
        for audience in ("student", "instructor")
    }
    for form in shown["student"]:
        assert SECRET not in form
        assert "Una tarea retenida por un worker muerto" in form or "ack.after-work" in form
    assert all(SECRET in form for form in shown["instructor"])


def test_a_student_does_not_see_how_long_a_hidden_check_took() -> None:
    """The console's progress has a time for public checks only."""
    printed = on_console(builders.several_failed(), terminal=False, audience="student")
    times = {line for line in printed.splitlines() if re.search(r"\d s$", line)}
    assert any("Una tarea se hace" in line for line in times)
    assert not any("retenida por un worker" in line for line in times)


def test_an_outcome_that_the_rubric_does_not_know_is_not_a_students() -> None:
    """Nothing is said of it, and nothing breaks."""
    stream = io.StringIO()
    redacting(json_lines.Listener(stream, "es"), builders.ASSIGNMENT, "student")(
        CheckEnded(Outcome(check="unknown", verdict="failed", reason=SECRET))
    )
    assert SECRET not in stream.getvalue()


def _with_secret_requirements(result: Result) -> Any:
    hidden: Visibility = "hidden"
    checks = tuple(
        msgspec.structs.replace(c, requirement=Bilingual(SECRET, SECRET)) if c.visibility == hidden else c
        for c in result.assignment.checks
    )
    return msgspec.structs.replace(result.assignment, checks=checks)


@settings(max_examples=100, deadline=None)
@given(hostile)
def test_messages_of_the_command_line_are_text(text: str) -> None:
    """What ends a command quotes names of the submission: one message, no escape sequence, no CI command."""
    finding = Finding(code="x", severity="error", message=msg("There is no folder %(path)s", path=text))
    for error in (
        UsageError(msg("There is no folder %(path)s", path=text)),
        SubmissionRefusedError(finding, finding),
        GraderError(msg("There is no folder %(path)s", path=text), literal(text)),
    ):

        @click.command()
        @guarded
        def fail(error: Exception = error) -> None:
            raise error

        shown = CliRunner().invoke(fail).output
        assert shown.startswith("grader: ")
        assert not CONTROLS.search(shown)
        assert not COMMAND.search(shown)


def test_the_page_forbids_what_it_does_not_need() -> None:
    """The browser is told too: nothing is loaded, sent or run, though the page has nothing of it."""
    policy = re.search(
        r'http-equiv="Content-Security-Policy" content="([^"]*)"',
        html.page(redacted(builders.all_passed(), "instructor")),
    )
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.group(1).split("; "))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert '<meta name="referrer" content="no-referrer">' in html.page(redacted(builders.all_passed(), "instructor"))
