"""`grader verify`: the proof of an assignment's checks, and `grader new-mutant`: one more for it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import click

from grader.cli.common import assignment_id, assignments_folder, guarded, language, say
from grader.model.text import msg


@click.command()
@assignment_id
@click.option("--only", multiple=True, metavar="NAME", help="This reference or mutant only (repeatable).")
@click.option(
    "--repeat", type=click.IntRange(1, 100), default=1, show_default=True, help="Runs of each, to find flakes."
)
@click.option("--full", is_flag=True, help="Run all checks for mutants too, not only those that must fail.")
@click.option("--fresh", is_flag=True, help="Run again what was proven for the same content before.")
@click.option("--json", "as_json", is_flag=True)
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write the table to this file.")
@click.option("--reports", type=click.Path(path_type=Path), help="Keep the reports of runs that contradict here.")
@assignments_folder
@language
@guarded
def verify(
    assignment: str,
    only: tuple[str, ...],
    repeat: int,
    full: bool,
    fresh: bool,
    as_json: bool,
    markdown: Path | None,
    reports: Path | None,
    extra: Path | None,
    lang: str,
) -> None:
    """Run reference solutions and mutants of ASSIGNMENT and print the kill matrix.

    Fails if a reference loses a point, a mutant survives or fails for another reason than mutants.yaml names, a
    check fails that it does not allow, a check has no mutant, or repeats differ.
    """
    from grader import assignments  # noqa: PLC0415 - start-up time
    from grader.verify import judging, matrix, run, subjects  # noqa: PLC0415

    found = assignments.load(assignment, extra)
    chosen = [subjects.subject(found, name) for name in only] or list(subjects.subjects(found))

    def on_row(row: judging.Row) -> None:
        failed = ", ".join(f"{c} ({r})" for c, (v, r) in row.cells.items() if v == "failed") or "-"
        mark = "✗" if row.problems else "✓"
        cached = " (journal)" if row.cached else ""
        click.echo(f"{mark} {row.subject} #{row.repeat}  {row.seconds:.0f} s{cached}  failed: {failed}", err=as_json)
        for problem in row.problems:
            click.echo(f"    {problem}", err=as_json)

    plan = run.Plan(repeat=repeat, full=full, fresh=fresh, reports=reports)
    rows = run.verify(found, chosen, plan, lambda _event: None, on_row)
    untested = judging.untested(found, subjects.subjects(found))
    flaky = judging.flaky(rows)
    good = not untested and not flaky and not any(row.problems for row in rows)
    if markdown:
        markdown.write_text(matrix.markdown(rows), "utf-8")
    if as_json:
        document = {
            "assignment": found.id,
            "ok": good,
            "untested": untested,
            "flaky": flaky,
            "rows": [
                {
                    "subject": r.subject,
                    "mutant": r.mutant,
                    "repeat": r.repeat,
                    "seconds": r.seconds,
                    "problems": r.problems,
                    "checks": {c: {"outcome": v, "reason": reason} for c, (v, reason) in r.cells.items()},
                }
                for r in rows
            ],
        }
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        matrix.show(found, rows)
        for line in (*(f"no mutant for {c}" for c in untested), *(f"differs between runs: {f}" for f in flaky)):
            click.echo(line)
    sys.exit(0 if good else 1)


@click.command("new-mutant")
@assignment_id
@click.argument("name")
@click.option(
    "--from",
    "copy",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    metavar="WORKING_COPY",
    help="A copy of a reference with the mistake in it.",
)
@click.option(
    "--base", metavar="REFERENCE", help="What it is a copy of (else the reference that it differs least from)."
)
@assignments_folder
@language
@guarded
def new_mutant(assignment: str, name: str, copy: Path, base: str | None, extra: Path | None, lang: str) -> None:
    """Append the mutant NAME to ASSIGNMENT's mutants.yaml: the edits that make WORKING_COPY of a reference.

    What edits do not express (new files, rewritten ones) is copied into a folder beside it.
    """
    from grader import assignments  # noqa: PLC0415 - start-up time
    from grader.verify import drafting  # noqa: PLC0415

    found = assignments.load(assignment, extra)
    draft = drafting.draft(found, name, copy, base)
    written = msg(
        "%(at)s: %(name)s is %(base)s with another %(files)s. Next: write there what the mistake is, and which checks "
        "it fails for which reason codes (grader grade %(assignment)s %(copy)s shows them); then run grader verify "
        "%(assignment)s --only %(name)s",
        at=f"{draft.file}:{draft.line}",
        name=name,
        base=draft.base,
        files=", ".join(draft.files),
        assignment=found.id,
        copy=shlex.quote(str(copy)),
    )
    say(written, lang)
