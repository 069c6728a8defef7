"""What the commands share: options, languages, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from grader import untrusted
from grader.errors import GraderError, SubmissionError, UsageError
from grader.i18n import default_language, languages
from grader.model.text import Text, msg

F = TypeVar("F", bound=Callable[..., Any])
EXIT_USAGE, EXIT_PROVISIONAL, EXIT_REFUSED, EXIT_INTERRUPTED = 2, 3, 4, 130
MAX_FINDINGS = 50


def _language() -> str:
    """Return what was said before the command (`grader --lang en list`), else what the environment says."""
    return click.get_current_context().find_root().params.get("lang") or default_language()


language = click.option(
    "--lang",
    type=click.Choice(languages),
    default=_language,
    help="Language of messages (else GRADER_LANG, else the locale, else es).",
)
assignments_folder = click.option(
    "--assignments", "extra", type=click.Path(path_type=Path, file_okay=False), help="A folder of further assignments."
)


def _assignment_ids(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    from grader import assignments  # noqa: PLC0415 - only a shell that completes asks

    return [name for name in assignments.names() if name.startswith(begun)]


assignment_id = click.argument("assignment", shell_complete=_assignment_ids)


def guarded(function: F) -> F:
    """Turn our errors into one clear message and the documented exit code; expects the option `lang`."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        lang = kwargs.get("lang") or default_language()
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return function(*args, **kwargs)
        except UsageError as error:
            stop(printable(error.message, lang), EXIT_USAGE)
        except SubmissionError as error:
            stop("\n".join(printable(f.message, lang) for f in error.findings[:MAX_FINDINGS]), EXIT_REFUSED)
        except GraderError as error:
            lines = [printable(t, lang) for t in (error.message, error.remedy) if t]
            stop("\n".join(lines), EXIT_PROVISIONAL)
        except KeyboardInterrupt:
            stop(printable(msg("Interrupted; everything that was started has been removed."), lang), EXIT_INTERRUPTED)

    return run  # type: ignore[return-value]  # same signature, wrapped


def say(text: Text | str, lang: str) -> None:
    """Print a message to the error stream, where progress and notices go."""
    click.echo(text if isinstance(text, str) else printable(text, lang), err=True)


def printable(text: Text, lang: str) -> str:
    """Return a message as a terminal and a CI log may see it: what a submission wrote in it does nothing there."""
    shown = untrusted.rendered(text, lang).split("\n")
    return "\n".join(untrusted.for_log(line, limit=untrusted.MAX_CHARS) for line in shown)


def stop(message: str, code: int) -> NoReturn:
    """Print one message and leave with an exit code."""
    click.echo(f"grader: {message}", err=True)
    sys.exit(code)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    """Treat SIGTERM as Ctrl-C: the way out that cleans up."""
    raise KeyboardInterrupt
