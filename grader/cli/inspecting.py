"""`grader inspect`: intake and policy only, no Docker."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.cli.common import EXIT_REFUSED, assignments_folder, guarded, language


@click.command()
@click.argument("submission", type=click.Path(path_type=Path))
@click.option("--assignment", help="Judge by this assignment's contract too.")
@click.option("--json", "as_json", is_flag=True, help="Print {accepted, findings, effective} as JSON.")
@click.option(
    "--unpack",
    type=click.Path(path_type=Path),
    help="Keep the clean copy of an accepted submission in this new or empty folder.",
)
@assignments_folder
@language
@guarded
def inspect(
    submission: Path, assignment: str | None, as_json: bool, unpack: Path | None, extra: Path | None, lang: str
) -> None:
    """Judge SUBMISSION and show what would be handed to Compose. Starts nothing.

    SUBMISSION is a folder, an archive (zip, tar.gz and the like), a git bundle or an https address of a repository.
    """
    from grader import assignments, catalogue, inspection  # noqa: PLC0415 - start-up time

    found = assignments.load(assignment, extra) if assignment else None
    verdict = inspection.verdict(submission, found, catalogue.load(), lang=lang, unpack=unpack)
    if as_json:
        import msgspec  # noqa: PLC0415 - start-up time

        from grader.exports import result_json  # noqa: PLC0415 - start-up time

        click.echo(msgspec.json.format(result_json.encode(verdict), indent=2))
    else:
        _print(verdict, lang)
    sys.exit(0 if verdict["accepted"] else EXIT_REFUSED)


def _print(verdict: dict[str, object], lang: str) -> None:
    from grader.reports import console  # noqa: PLC0415 - start-up time

    console.print_verdict(verdict, lang)
