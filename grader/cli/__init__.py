"""The command line: arguments, exit codes, no logic. Commands are imported when they are called."""

from __future__ import annotations

import importlib
import sys

import click

from grader._version import __version__
from grader.i18n import VARIABLE, languages

COMMANDS = {
    "list": "grader.cli.catalogues:list_",
    "images": "grader.cli.catalogues:images",
    "check": "grader.cli.grading:check",
    "grade": "grader.cli.grading:grade",
    "inspect": "grader.cli.inspecting:inspect",
    "batch": "grader.cli.classes:batch",
    "report": "grader.cli.classes:report",
    "export": "grader.cli.classes:export",
    "worker": "grader.cli.classes:worker",
    "publish": "grader.cli.exporting:publish",
    "verify": "grader.cli.verifying:verify",
    "new-mutant": "grader.cli.verifying:new_mutant",
    "new": "grader.cli.starting:new",
    "kit": "grader.cli.kitting:kit",
    "clean": "grader.cli.machine:clean",
    "doctor": "grader.cli.machine:doctor",
}
_ELSEWHERE = "grader.cli.windows:elsewhere"
HELP = {
    "list": "List the assignments.",
    "images": "List, pull or build the images that submissions may use.",
    "check": "Check your own work with the public checks.",
    "grade": "Grade one submission with all checks.",
    "inspect": "Judge a submission's files without Docker.",
    "batch": "Grade a class, resumably.",
    "report": "Write a class's page and gradebooks anew.",
    "export": "Write one gradebook of a class.",
    "worker": "Let this machine grade for a Dask scheduler.",
    "publish": "Write a class's results into the students' GitHub repositories.",
    "verify": "Prove an assignment's checks on references and mutants.",
    "new-mutant": "Write down a wrong submission for verify, from a copy of a reference.",
    "new": "Start an assignment: starter files and handout.",
    "kit": "Write what students may have of an assignment.",
    "clean": "Remove what graders that died have left behind.",
    "doctor": "Say what is missing on this machine and how to mend it.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported on first use, so that `--help` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order of a user's way."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; on Windows itself, what says where to run it instead."""
        if cmd_name not in COMMANDS:
            return None
        # "win32" is Windows itself; in a WSL 2 distribution Python's platform is "linux"
        module, _, name = (_ELSEWHERE if sys.platform == "win32" else COMMANDS[cmd_name]).partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="grader")
@click.option(
    "--lang", type=click.Choice(languages), envvar=VARIABLE, show_envvar=True, help="Language of all messages."
)
def command(lang: str | None) -> None:
    """Grade message-broker exercises: start a submission in Docker, break it, watch it, explain the grade."""
