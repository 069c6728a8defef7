"""What stands in for every command on Windows itself, where the modules of the real ones cannot even be imported."""

from __future__ import annotations

import click

from grader.cli.common import EXIT_PROVISIONAL, language, printable, stop
from grader.model.text import msg


# A command, and not an error where commands are looked up: so `--lang` counts, and a shell can still complete names.
@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@language
def elsewhere(lang: str) -> None:
    """Take any arguments, say in one line how to go on in WSL 2, and end with exit code 3."""
    message = msg(
        "The grader does not run on Windows itself: open a WSL 2 distribution (wsl --install, then Docker Desktop > "
        "Settings > Resources > WSL integration) and run the same command there."
    )
    stop(printable(message, lang), EXIT_PROVISIONAL)
