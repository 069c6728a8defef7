"""The commands in the docs: those that need no Docker are run, the others are parsed, so that no option is wrong."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from grader import assignments
from grader.cli import COMMANDS, command
from tests import authoring_page
from tests.pages import PAGES, ROOT, lines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pages import Line

MINE = ("student", "instructor", "author", "administrator", "gradescope", "prairielearn")
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
# What a page calls a student's submission.
SUBMISSIONS = {"work", "work.zip", "WORK", "/autograder/submission", "/grade/student", "."}
LINES = sorted({line for page in PAGES for line in lines(page)})


def resolved(line: Line) -> click.Context:
    """Parse a line with click as the program would."""
    found: click.Command = command
    context = click.Context(command, info_name="grader")
    rest = list(line.argv)
    while isinstance(found, click.Group):
        name, sub, rest = found.resolve_command(context, rest)
        assert sub is not None, f"{line}: no such command"
        context = click.Context(sub, info_name=name, parent=context)
        found = sub
    return found.make_context(str(found.name), rest, parent=context.parent)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages speak of: a submission, an archive of it, a class, the results of one."""
    shutil.copytree(ROOT / "reference_solutions" / "rabbitmq-task-queue" / "node", tmp_path / "work")
    shutil.make_archive(str(tmp_path / "work"), "zip", tmp_path / "work")
    (tmp_path / "submissions").mkdir()
    (tmp_path / "results").mkdir()
    authoring_page.write(tmp_path)
    for folder in (ROOT / "assignments").iterdir():
        (tmp_path / "assignments" / folder.name).symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands_to_test() -> None:
    """Every page of a kind of user begins with the command that they need."""
    assert len(LINES) > 30
    for name in MINE:
        page = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
        first = page.split("```sh\n", 1)
        assert first[0].count("\n") <= 5, f"{name}.md begins with something else"
        assert first[1].startswith("grader ")


@pytest.mark.parametrize("line", LINES, ids=str)
def test_what_a_page_says_can_be_said(line: Line, desk: Path) -> None:
    """Command, arguments and options are there, and in the pages of a kind of user all values are of the right kind."""
    try:
        context = resolved(line)
    except click.BadParameter:
        if line.page.removesuffix(".md") in MINE:
            raise
        return  # a file or name of a page's own story
    name = context.params.get("assignment")
    for each in [name] if isinstance(name, str) else name or ():
        assert each in assignments.names(desk / "assignments"), line


@pytest.mark.parametrize("line", [one for one in LINES if one.argv[0] in {"list", "new", "kit", "inspect"}], ids=str)
def test_what_needs_no_docker_works(line: Line, desk: Path) -> None:
    """Run as it stands, in a folder where a submission lies under the names that the pages use."""
    argv = [*line.argv]
    if argv[0] == "inspect":  # elsewhere than in the page, but the same submission
        argv[1] = "work.zip" if argv[1].endswith(".zip") else "work"
        assert line.argv[1] in SUBMISSIONS
    result = CliRunner().invoke(command, argv, catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    """With a first sentence of its own and each of its options."""
    found = command.get_command(click.Context(command), name)
    assert found is not None
    shown = CliRunner().invoke(command, [name, "--help"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert found.help
    for parameter in found.params:
        assert isinstance(parameter, click.Argument) or parameter.opts[0] in shown.output


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_link_leads_nowhere(page: Path) -> None:
    """Links to files of the project."""
    for target in _LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.skipif(os.name == "nt", reason="the scripts are for a Linux host")
def test_scripts_in_the_pages_are_bash(tmp_path: Path) -> None:
    """Whatever is set off as a whole script can be read by bash."""
    from grader import process  # noqa: PLC0415 - needed here alone

    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    for page in PAGES:
        for number, block in enumerate(re.findall(r"^ *```bash\n(.*?)^ *```", page.read_text("utf-8"), re.M | re.S)):
            script = tmp_path / f"{page.stem}-{number}.sh"
            script.write_text(re.sub(r"^ {3}", "", block, flags=re.M), "utf-8")
            done = process.run([bash, "-n", str(script)], deadline_s=10, env=None)
            assert done.returncode == 0, f"{page.name}: {done.output}"
