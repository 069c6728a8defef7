"""`grader publish`: what is called of gh, for whom, and what a student reads; gh is a program that keeps its calls."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Ran

from grader.batch import output
from grader.batch.journal import FILE, Journal, Key
from grader.batch.run import summary_of
from grader.cli.exporting import publish
from grader.model.classroom import Entry
from tests.unit.exports import hostile
from tests.unit.github.clones import SHA, clone
from tests.unit.reports import builders

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.grade import Result

GH = """#!{python} -I
import json, pathlib, sys
log = pathlib.Path({log!r})
argv = sys.argv[1:]
files = {{a: pathlib.Path(a).read_text() for a in argv if a.startswith("/") and pathlib.Path(a).is_file()}}
with log.open("a") as out:
    print(json.dumps({{"argv": argv, "files": files, "stdin": sys.stdin.read()}}), file=out)
there = pathlib.Path({there!r})
if argv[:2] == ["release", "view"] and not (there / argv[4].replace("/", "_")).exists():
    sys.exit("release not found")
if "broken" in " ".join(argv) and argv[0] != "auth":
    sys.exit("HTTP 502: \\x1b[31mserver error")
"""


class Github:
    """A fake gh on PATH; `calls` are what it was asked, without the question for an account."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.there = folder / "there"
        self.there.mkdir()
        program = folder / "bin" / "gh"
        program.parent.mkdir()
        program.write_text(GH.format(python=sys.executable, log=str(self.log), there=str(self.there)))
        program.chmod(0o755)
        self.path = program.parent

    @property
    def calls(self) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [call for line in lines if (call := json.loads(line))["argv"][0] != "auth"]

    def argvs(self) -> list[list[str]]:
        return [call["argv"] for call in self.calls]


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Github:
    (tmp_path / "gh").mkdir()
    made = Github(tmp_path / "gh")
    monkeypatch.setenv("PATH", str(made.path))
    monkeypatch.delenv("GH_HOST", raising=False)
    return made


def graded(out: Path, *given: tuple[Entry, Result | None]) -> Path:
    """Write a journal as `grader batch` leaves it."""
    out.mkdir()
    with Journal(out / FILE) as journal:
        journal.place(entry for entry, _ in given)
        output.keep(journal, output.Kept(assignment=builders.ASSIGNMENT, lang="en"))
        for number, (entry, result) in enumerate(given):
            if result:
                content = f"content-{number}"
                journal.read(entry, content)
                summary = summary_of(result, seconds=1.0, host="h", tries=1)
                journal.write(Key(content, "r", "g"), summary, {}, result)
    return out


def entry(folder: Path, user: str, name: str = "", address: str = "") -> Entry:
    """A student's clone below `folder`."""
    address = address or f"https://github.com/course/{name or f'lab-{user}'}.git"
    return Entry(student=user, source=str(clone(folder / f"lab-{user}", address)), ids={"github": user})


def run(out: Path, *options: str) -> Ran:
    return CliRunner().invoke(publish, [str(out), "--lang", "en", *options], catch_exceptions=False)


def option(argv: list[str], name: str) -> str:
    return argv[argv.index(name) + 1]


def test_a_release_with_notes_and_the_students_report(tmp_path: Path, github: Github) -> None:
    """Asked first; made at the graded commit, never as the latest, with what a student may read."""
    out = graded(tmp_path / "out", (entry(tmp_path, "ana"), builders.several_failed()))
    ran = run(out)
    assert ran.exit_code == 0, ran.output
    look, create = github.calls
    assert look["argv"][:3] == ["release", "view", "grade-rabbitmq-task-queue"]
    argv = create["argv"]
    assert argv[:3] == ["release", "create", "grade-rabbitmq-task-queue"]
    assert option(argv, "--repo") == "course/lab-ana"
    assert option(argv, "--target") == SHA
    assert option(argv, "--title") == "Final grade: 45 / 100"
    assert "--latest=false" in argv
    notes = create["files"][option(argv, "--notes-file")]
    assert "**Final grade: 45 / 100**" in notes
    page = create["files"][argv[-1]]
    assert argv[-1].endswith("report.html")
    for secret in ("acked-before-work", "slow-1", "accepted-but-lost"):
        assert secret not in notes + page
    assert create["stdin"] == ""


def test_again_mends_the_release(tmp_path: Path, github: Github) -> None:
    """The same command twice leaves one release."""
    out = graded(tmp_path / "out", (entry(tmp_path, "ana"), builders.several_failed()))
    (github.there / "course_lab-ana").touch()
    assert run(out).exit_code == 0
    assert [argv[:2] for argv in github.argvs()] == [["release", "view"], ["release", "edit"], ["release", "upload"]]
    assert "--clobber" in github.argvs()[2]


def test_dry_run_calls_nothing_and_says_everything(tmp_path: Path, github: Github) -> None:
    """Each call as a shell would take it, and what the notes would be."""
    out = graded(tmp_path / "out", (entry(tmp_path, "ana"), builders.several_failed()))
    ran = run(out, "--dry-run")
    assert ran.exit_code == 0
    assert not github.log.exists()
    assert "gh release view grade-rabbitmq-task-queue --repo course/lab-ana --json tagName" in ran.output
    assert f"--target {SHA} --latest=false" in ran.output
    assert "gh release upload" in ran.output
    assert "Final grade: 45 / 100" in ran.output
    assert "slow-1" not in ran.output


def test_dry_run_needs_no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without gh one can still look; without --dry-run one is told what to install."""
    out = graded(tmp_path / "out", (entry(tmp_path, "ana"), builders.all_passed()))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(out, "--dry-run").exit_code == 0
    ran = run(out)
    assert ran.exit_code == 3
    assert "gh auth login" in ran.output


def test_a_check_run_at_the_commit(tmp_path: Path, github: Github) -> None:
    """One call with a body; annotations on the lines; conclusions by the grade."""
    out = graded(
        tmp_path / "out",
        (entry(tmp_path, "ana"), builders.several_failed()),
        (entry(tmp_path, "ben"), builders.all_passed()),
        (entry(tmp_path, "cid"), builders.provisional()),
        (entry(tmp_path, "dan"), builders.refused()),
    )
    assert run(out, "--as", "check").exit_code == 0
    bodies = {}
    for call in github.calls:
        assert call["argv"][:3] == ["api", "--method", "POST"]
        bodies[call["argv"][3]] = json.loads(call["files"][option(call["argv"], "--input")])
    of = {name: bodies[f"repos/course/lab-{name}/check-runs"] for name in ("ana", "ben", "cid", "dan")}
    assert [of[n]["conclusion"] for n in ("ana", "ben", "cid", "dan")] == ["failure", "success", "neutral", "failure"]
    assert of["ana"]["head_sha"] == SHA
    (first, *_) = of["dan"]["output"]["annotations"]
    assert (first["path"], first["start_line"], first["annotation_level"]) == ("compose.yaml", 14, "failure")
    assert all(len(body["output"]["summary"]) <= 65_535 for body in bodies.values())


def test_what_a_submission_wrote_stays_text(tmp_path: Path, github: Github) -> None:
    """In arguments, notes and the dry run's output."""
    out = graded(tmp_path / "out", (entry(tmp_path, "ana"), hostile.result(hostile.HUGE)))
    assert run(out).exit_code == 0
    argv = github.argvs()[1]
    assert all(len(a) < 1_000 and a.isprintable() for a in argv)
    notes = github.calls[1]["files"][option(argv, "--notes-file")]
    assert len(notes.encode()) <= 60_000
    shown = run(out, "--dry-run").output
    assert not [line for line in shown.splitlines() if line.startswith("::") or "##[" in line]


def test_a_repository_that_is_not_called_after_the_student_gets_nothing(tmp_path: Path, github: Github) -> None:
    """A folder can bring a .git that names another student's repository."""
    out = graded(
        tmp_path / "out",
        (entry(tmp_path, "ana", address="https://github.com/course/lab-ben.git"), builders.all_passed()),
        (entry(tmp_path, "ben"), builders.all_passed()),
        (Entry(student="cid", source=str(clone(tmp_path / "cid", "https://github.com/c/lab-cid"))), builders.refused()),
    )
    ran = run(out)
    assert ran.exit_code == 3
    assert "ana: not published" in ran.output
    assert "cid: not published" in ran.output
    assert {option(argv, "--repo") for argv in github.argvs()} == {"course/lab-ben"}


def test_a_pattern_names_repositories(tmp_path: Path, github: Github) -> None:
    """{github} and {student}; two students with one repository are a mistake; an odd name is none."""
    ana, ben = entry(tmp_path, "ana"), entry(tmp_path, "ben")
    out = graded(tmp_path / "out", (ana, builders.all_passed()), (ben, builders.all_passed()))
    assert run(out, "--repository", "uni/tq-{github}").exit_code == 0
    assert {option(argv, "--repo") for argv in github.argvs()} == {"uni/tq-ana", "uni/tq-ben"}
    ran = run(out, "--repository", "uni/all", "--dry-run")
    assert ran.exit_code == 3
    assert "already that of ana" in ran.output
    assert run(out, "--repository", "no name {student}", "--dry-run").exit_code == 3


def test_nothing_handed_in_is_no_error_and_an_unknown_student_is(tmp_path: Path, github: Github) -> None:
    """Missing students are named and counted as what they are."""
    out = graded(tmp_path / "out", (entry(tmp_path, "ana"), builders.all_passed()), (Entry(student="ben"), None))
    ran = run(out)
    assert ran.exit_code == 0
    assert "ben: not published: nothing was graded" in ran.output
    assert run(out, "--student", "zoe").exit_code == 2
    github.log.unlink()
    assert run(out, "--student", "ben").exit_code == 0
    assert github.calls == []


def test_one_failure_stops_nobody_else(tmp_path: Path, github: Github) -> None:
    """It is named, cleaned, and the exit code says that something is left to do."""
    out = graded(
        tmp_path / "out",
        (entry(tmp_path, "broken"), builders.all_passed()),
        (entry(tmp_path, "ana"), builders.all_passed()),
    )
    ran = run(out)
    assert ran.exit_code == 3
    assert "broken: not published" in ran.output
    assert "\x1b" not in ran.output
    assert "ana: published in course/lab-ana" in ran.output


def test_the_gradebooks_word_is_told(tmp_path: Path, github: Github) -> None:
    """Overrides and their comment stand below the score of the checks."""
    out = graded(tmp_path / "out", (entry(tmp_path, "ana"), builders.several_failed()))
    (out / "overrides.yaml").write_text("ana:\n  points: 60\n  comment: shown in the lab\n")
    assert run(out).exit_code == 0
    create = github.calls[1]
    assert option(create["argv"], "--title") == "Final grade: 60 / 100"
    notes = create["files"][option(create["argv"], "--notes-file")]
    assert "In the gradebook\\: 60" in notes
    assert "shown in the lab" in notes


def test_a_folder_without_a_journal_is_a_wrong_call(tmp_path: Path, github: Github) -> None:
    """Named, exit code 2."""
    ran = run(tmp_path)
    assert ran.exit_code == 2
    assert str(tmp_path) in ran.output.replace("\n", "")
