"""`grader kit`: what students may have of an assignment."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.common import assignment_id, assignments_folder, guarded, language, say
from grader.model.text import msg


@click.command()
@assignment_id
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where it goes: new or empty."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@assignments_folder
@language
@guarded
def kit(assignment: str, out: Path, as_json: bool, extra: Path | None, lang: str) -> None:
    """Write what students may have of ASSIGNMENT, and prove that nothing else is in it.

    Handout, starter, public checks, the grader's version, and a repository to begin with. The kit is compared with all
    hidden checks, references and mutants that lie here; if it gives one away, nothing is written (exit code 2).
    """
    from grader import assignments  # noqa: PLC0415 - start-up time
    from grader import kit as library  # noqa: PLC0415

    try:
        written = library.write(assignments.load(assignment, extra), out)
    except library.LeakError as error:
        for leak in error.leaks:
            say(leak, lang)
        raise
    if as_json:
        import msgspec  # noqa: PLC0415 - start-up time

        click.echo(msgspec.json.format(msgspec.json.encode(written), indent=2))
    if written.unproven:
        say(msg("The hidden checks do not lie here, so there was nothing to compare the kit with."), lang)
    if not written.workflow:
        say(msg("This grader brings no CI workflow; the kit has none."), lang)
    say(
        msg(
            "%(path)s: %(n)s files, compared with %(m)s that students may not have",
            path=str(out), n=len(written.files), m=written.compared,
        ),
        lang,
    )  # fmt: skip
