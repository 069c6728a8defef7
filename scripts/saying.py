"""How the programs of set-up and demonstration speak: in the language that the command line would choose."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from grader.cli.common import EXIT_PROVISIONAL, printable
from grader.i18n import default_language

if TYPE_CHECKING:
    from grader.errors import GraderError
    from grader.model.text import Text


def say(text: Text) -> None:
    """Print a line."""
    print(printable(text, default_language()), flush=True)


def give_up(error: GraderError) -> int:
    """Print what is wrong and what to do about it, and return the exit code."""
    for text in (error.message, error.remedy):
        if text:
            print(printable(text, default_language()), file=sys.stderr, flush=True)
    return EXIT_PROVISIONAL
