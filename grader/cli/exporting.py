"""`--export` of `grade` and `check`, and `grader publish`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from grader.cli.common import EXIT_PROVISIONAL, guarded, language, printable, say
from grader.errors import GraderError
from grader.model.text import msg

if TYPE_CHECKING:
    from grader.model.grade import Result
    from grader.presentation.audience import Audience

export_option = click.option(
    "--export",
    "exports",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="Write the result for a platform too (repeatable): annotations, autograding, classroom50, csv, "
    "github-outputs, gradescope, junit, markdown, prairielearn, sarif.",
)


class Exports:
    """The exports that a command line asks for, judged before anything is graded."""

    def __init__(self, words: tuple[str, ...], submission: Path, lang: str, audience: Audience) -> None:
        """Raises UsageError for a format that is not there or lacks what it needs of the platform."""
        self._words = words
        if not words:
            return
        from grader.exports import formats  # noqa: PLC0415 - start-up time

        self._wanted = formats.wanted(words, os.environ)
        self._context = formats.Context(
            lang=lang, audience=audience, prefix=_prefix(submission), environ=dict(os.environ)
        )

    def write(self, result: Result, out: Path) -> None:
        """Write them, those without a file of their own into `out`. Raises GraderError when one cannot be written."""
        if not self._words:
            return
        from grader.exports import formats  # noqa: PLC0415 - start-up time

        try:
            formats.write(result, self._wanted, out, self._context)
        except OSError as error:
            raise GraderError(
                msg("%(file)s cannot be written: %(why)s", file=str(error.filename), why=error.strerror or str(error)),
                msg("The report and result.json are there; name another file with --export FORMAT=FILE."),
            ) from error


def _prefix(submission: Path) -> str:
    """Return where the submission lies in the repository of a GitHub job, "" elsewhere or when it is the repository."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if not workspace:
        return ""
    root, folder = Path(workspace).resolve(), submission.resolve()
    return folder.relative_to(root).as_posix().removeprefix(".") if folder.is_relative_to(root) else ""


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--as", "form", type=click.Choice(["release", "check"]), default="release", show_default=True)
@click.option(
    "--repository",
    "template",
    default="",
    metavar="OWNER/NAME",
    help="Where results go, like course/task-queue-{github}; else the clone's own remote.",
)
@click.option("--student", "students", multiple=True, help="Only this student (repeatable).")
@click.option("--dry-run", is_flag=True, help="Say what would be called and call nothing.")
@language
@guarded
def publish(
    out: Path, form: Literal["release", "check"], template: str, students: tuple[str, ...], dry_run: bool, lang: str
) -> None:
    """Write the results of a batch (its OUT) into the students' GitHub repositories, through the gh client.

    Each student gets what a student may see: score, public checks with reasons, hidden checks by title and outcome.

    Exit codes: 0 all published, 2 wrong call, 3 something could not be published (the same command tries it again).
    """
    from grader import scratch  # noqa: PLC0415 - start-up time
    from grader.batch import output  # noqa: PLC0415
    from grader.github import gh, publications, sending  # noqa: PLC0415

    if not dry_run:
        gh.ready()
    failed = 0
    with output.opened(out) as journal, scratch.folder("publish") as folder:
        kept = output.kept_of(journal)
        for found in publications.of_class(journal, output.book(journal, out, kept), template, students):
            if isinstance(found, publications.Left):
                say(
                    msg("%(student)s: not published: %(why)s", student=found.student, why=printable(found.why, lang)),
                    lang,
                )
                failed += found.counts
                continue
            calls = sending.calls(found, form, folder, kept.lang)
            if dry_run:
                click.echo(sending.described(calls))
                continue
            trouble = sending.send(calls)
            failed += trouble is not None
            where = found.repository
            done = msg("%(student)s: published in %(repository)s", student=found.student, repository=where)
            say(trouble or done, lang)
    raise SystemExit(EXIT_PROVISIONAL if failed else 0)
