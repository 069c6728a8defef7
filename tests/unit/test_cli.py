"""The command line without Docker: messages, exit codes, and what a wrong call is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from grader.cli import COMMANDS, HELP, command

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference_solutions" / "rabbitmq-task-queue" / "node"


def run(*argv: str) -> Result:
    return CliRunner().invoke(command, list(argv), catch_exceptions=False)


def test_every_command_has_its_line_of_help() -> None:
    """The lazily loaded commands are all listed, each with what it is for."""
    assert COMMANDS.keys() == HELP.keys()
    shown = run("--help").output
    assert all(name in shown for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_loads(name: str) -> None:
    """Its own help can be shown."""
    assert run(name, "--help").exit_code == 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("grade", "rabbitmq-task-quue", "."), "rabbitmq-task-queue"),
        (("grade", "rabbitmq-task-queue", "nowhere"), "nowhere"),
        (("grade", "rabbitmq-task-queue", ".", "--only", "task.dnoe"), "task.dnoe"),
        (("check", "."), "grader.yaml"),
        (("verify", "rabbitmq-task-queue", "--only", "nobody"), "nobody"),
        (("new", "rabbitmq-task-queue", str(ROOT)), str(ROOT)),
        (("inspect", "nowhere"), "nowhere"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong(
    argv: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, one message that names the thing, no traceback."""
    monkeypatch.chdir(tmp_path)
    result = run(*argv)
    assert result.exit_code == 2, result.output
    assert words in result.output.replace("\n", " ")
    assert "Traceback" not in result.output


def test_list_names_checks_and_points() -> None:
    """For people and for programs."""
    assert "ack.after-work" in run("list").output
    (assignment,) = [a for a in json.loads(run("list", "--json").output) if a["id"] == "rabbitmq-task-queue"]
    assert sum(c["points"] for c in assignment["checks"] if c["level"] != "bonus") == 100


def test_inspect_shows_what_would_run() -> None:
    """The effective model has our limits and none of the student's ports."""
    result = run("inspect", str(REFERENCE), "--json", "--assignment", "rabbitmq-task-queue")
    verdict = json.loads(result.output)
    assert result.exit_code == 0
    assert verdict["accepted"]
    worker = verdict["effective"]["services"]["worker"]
    assert worker["mem_limit"]
    assert "ports" not in worker


def test_inspect_refuses_with_file_and_line(tmp_path: Path) -> None:
    """Exit code 4 and the place."""
    (tmp_path / "compose.yaml").write_text("services:\n  a:\n    image: redis:7\n    privileged: true\n", "utf-8")
    result = run("inspect", str(tmp_path), "--json")
    found = json.loads(result.output)["findings"]
    assert result.exit_code == 4
    assert [(f["file"], f["line"]) for f in found if f["severity"] == "error"] == [("compose.yaml", 4)]


@pytest.mark.parametrize("form", [["--json"], []])
def test_what_inspect_prints_does_nothing(tmp_path: Path, form: list[str]) -> None:
    """Neither in a terminal nor in a CI log, while the values are what the submission wrote."""
    value = "a\x9b31m\u202e##[group]\u2028b"
    folder = tmp_path / "##vso[task]\u202e"
    folder.mkdir()
    written = value.encode("unicode_escape").decode()
    text = f'services:\n  a:\n    image: redis:7\n    environment: {{A: "{written}"}}\n    "x\\e[0m##[error]": 1\n'
    (folder / "compose.yaml").write_text(text, "utf-8")
    refused = run("inspect", str(folder), *form)
    (folder / "compose.yaml").write_text(text.replace("x\\e", "x-\\e"), "utf-8")
    accepted = run("inspect", str(folder), *form)
    for result in (refused, accepted):
        assert result.output.replace("\n", "").isprintable()
        assert "##[" not in result.output
    if form:
        assert not json.loads(refused.output)["accepted"]
        assert json.loads(accepted.output)["effective"]["services"]["a"]["environment"]["A"] == value


def test_inspect_keeps_the_clean_copy_where_it_is_told(tmp_path: Path) -> None:
    """In a new folder; one with something in it is refused."""
    copy = tmp_path / "copy"
    assert run("inspect", str(REFERENCE), "--unpack", str(copy)).exit_code == 0
    assert (copy / "compose.yaml").is_file()
    assert run("inspect", str(REFERENCE), "--unpack", str(copy)).exit_code == 2


def test_new_makes_a_folder_that_check_knows(tmp_path: Path) -> None:
    """Starter, handout and the marker."""
    folder = tmp_path / "mine"
    assert run("new", "rabbitmq-task-queue", str(folder)).exit_code == 0
    assert {p.name for p in folder.iterdir()} >= {"README.md", "grader.yaml", "compose.yaml"}
    assert run("inspect", str(folder), "--assignment", "rabbitmq-task-queue").exit_code == 0


def test_new_prints_a_command_that_a_shell_takes(tmp_path: Path) -> None:
    """Also where the folder's name has a blank or a $ in it."""
    folder = tmp_path / "mi entrega $1"
    said = run("new", "rabbitmq-task-queue", str(folder)).output
    assert f"cd '{folder}'," in said


@pytest.mark.parametrize(
    ("before", "after", "environment", "lang"),
    [
        ((), (), {}, "es"),
        (("--lang", "en"), (), {}, "en"),
        ((), ("--lang", "en"), {}, "en"),
        (("--lang", "es"), ("--lang", "en"), {}, "en"),
        (("--lang", "en"), (), {"GRADER_LANG": "es"}, "en"),
        ((), ("--lang", "es"), {"GRADER_LANG": "en"}, "es"),
        ((), (), {"GRADER_LANG": "en"}, "en"),
        ((), (), {"GRADER_LANG": "", "LC_ALL": "", "LANG": "en_IE.UTF-8"}, "en"),
    ],
    ids=str,
)
def test_the_language_is_said_before_or_after_the_command(
    before: tuple[str, ...], after: tuple[str, ...], environment: dict[str, str], lang: str
) -> None:
    """`grader --lang en list` is `grader list --lang en`; what is said last is nearest and counts."""
    title = {"es": "Cola de tareas", "en": "Task queue"}
    result = CliRunner(env=environment).invoke(command, [*before, "list", *after], catch_exceptions=False)
    assert title[lang] in result.output
    assert result.exit_code == 0
    words = {"es": "No hay ", "en": "There is no "}
    below = CliRunner(env=environment).invoke(command, [*before, "images", "ensure", "--assignment", "none", *after])
    assert words[lang] in below.output
    assert below.exit_code == 2


def test_a_language_that_there_is_not_is_named() -> None:
    """With where it was said."""
    result = CliRunner(env={"GRADER_LANG": "fr"}).invoke(command, ["list"])
    assert result.exit_code == 2
    assert "GRADER_LANG" in result.output
    assert "'fr'" in result.output
