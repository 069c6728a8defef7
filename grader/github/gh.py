"""The `gh` client: the only way to GitHub; it keeps the account, this program never sees a token."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from grader import process
from grader.errors import GraderError
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.process import Completed

PROGRAM: Final = "gh"
DEADLINE_S: Final = 120.0


def ready() -> None:
    """Raise GraderError unless the client is there and has an account."""
    if shutil.which(PROGRAM) is None:
        raise GraderError(
            msg("The GitHub client gh is not installed."),
            msg("Install gh (2.40 or newer) and run: gh auth login"),
        )
    if call(("auth", "status")).returncode != 0:
        raise GraderError(msg("The GitHub client gh has no account."), msg("Run: gh auth login"))


def call(arguments: Sequence[str]) -> Completed:
    """Run `gh` with these arguments; it asks nothing and answers in English. Raises GraderError if it cannot run."""
    try:
        return process.run((PROGRAM, *arguments), deadline_s=DEADLINE_S, env=_environment())
    except OSError as error:
        raise GraderError(
            msg("The GitHub client gh cannot be run: %(why)s", why=error.strerror or str(error))
        ) from error


def _environment() -> dict[str, str]:
    return {**os.environ, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "LC_ALL": "C"}
