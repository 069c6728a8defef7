"""`grader grade` and `grader check`: one submission, with a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from grader import assignments
from grader.cli.common import assignment_id, assignments_folder, guarded, language
from grader.cli.exporting import Exports, export_option
from grader.errors import UsageError
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader import stages
    from grader.model.assignment import Assignment
    from grader.model.grade import Result

MARKER = "grader.yaml"
MAX_MARKER = 65_536

_seed = click.option("--seed", type=int, help="Repeat a run's random choices.")
_json = click.option("--json", "as_json", is_flag=True, help="Print events and the result as JSON lines.")
_images = click.option(
    "--images", "mode", type=click.Choice(["auto", "pull", "equivalent"]), default="auto", show_default=True,
    help="Where images come from.",
)  # fmt: skip


@click.command()
@assignment_id
@click.argument("submission", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("grader-report"), show_default=True
)
@click.option("--audience", type=click.Choice(["student", "instructor"]), default="instructor", show_default=True)
@click.option("--only", multiple=True, metavar="CHECK", help="Run this check and what it needs (repeatable).")
@_seed
@_json
@_images
@export_option
@assignments_folder
@language
@guarded
def grade(
    assignment: str,
    submission: Path,
    out: Path,
    audience: Literal["student", "instructor"],
    only: tuple[str, ...],
    seed: int | None,
    as_json: bool,
    mode: str,
    exports: tuple[str, ...],
    extra: Path | None,
    lang: str,
) -> None:
    """Grade SUBMISSION for ASSIGNMENT and write OUT/result.json and OUT/report.html.

    SUBMISSION is a folder, an archive (zip, tar.gz and the like), a git bundle or an https address of a repository.

    Exit codes: 0 all passed, 1 something failed, 2 wrong call, 3 provisional (our error), 4 submission refused.
    """
    found = assignments.load(assignment, extra)
    unknown = [c for c in only if c not in {spec.id for spec in found.checks}]
    if unknown:
        raise UsageError(msg("%(assignment)s has no check %(id)s", assignment=assignment, id=unknown[0]))
    wanted = Exports(exports, submission, lang, audience)
    sys.exit(_run(found, submission, out, audience, only, seed, wanted, as_json=as_json, mode=mode, lang=lang))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--assignment", help=f"The assignment, where the folder has no {MARKER}.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where the report goes.")
@click.option("--keep", is_flag=True, help="Leave everything up afterwards, and say how to look inside.")
@click.option("--watch", is_flag=True, help="Check again after each change of a file, on brokers that stay up.")
@_seed
@_json
@_images
@export_option
@assignments_folder
@language
@guarded
def check(
    folder: Path,
    assignment: str | None,
    out: Path | None,
    keep: bool,
    watch: bool,
    seed: int | None,
    as_json: bool,
    mode: str,
    exports: tuple[str, ...],
    extra: Path | None,
    lang: str,
) -> None:
    """Check your own work in FOLDER with the public checks, exactly as they are run for the grade."""
    found = assignments.load(assignment or _marked(folder), extra)
    public = tuple(c.id for c in found.checks if c.visibility == "public")
    target = out or folder / "grader-report"
    wanted = Exports(exports, folder, lang, "student")
    how: Literal["", "keep", "watch"] = "watch" if watch else "keep" if keep else ""
    sys.exit(
        _run(found, folder, target, "student", public, seed, wanted, as_json=as_json, mode=mode, lang=lang, how=how)
    )


def _marked(folder: Path) -> str:
    import yaml  # noqa: PLC0415 - only this command reads YAML of its own

    file = folder / MARKER
    try:
        with file.open("rb") as stream:
            name = yaml.safe_load(stream.read(MAX_MARKER))["assignment"]
    except (OSError, ValueError, RecursionError, yaml.YAMLError, TypeError, KeyError) as error:
        raise UsageError(
            msg("%(file)s does not say which assignment this is; use --assignment ID", file=str(file))
        ) from error
    return str(name)


def _run(
    found: Assignment,
    submission: Path,
    out: Path,
    audience: Literal["student", "instructor"],
    only: tuple[str, ...],
    seed: int | None,
    exports: Exports,
    *,
    as_json: bool,
    mode: str,
    lang: str,
    how: Literal["", "keep", "watch"] = "",
) -> int:
    from rich.console import Console  # noqa: PLC0415 - start-up time

    from grader import intake, pipeline, scoring  # noqa: PLC0415
    from grader.cli import working  # noqa: PLC0415
    from grader.exports import json_lines, result_json  # noqa: PLC0415
    from grader.presentation.audience import redacted, redacting  # noqa: PLC0415
    from grader.reports import console, html, progress  # noqa: PLC0415

    remote = intake.is_address(submission)
    if not remote and not submission.exists():
        raise UsageError(msg("There is no folder %(path)s", path=str(submission)))
    source = submission if remote else submission.resolve()
    screen = Console(stderr=as_json)
    listener = json_lines.Listener(sys.stdout, lang) if as_json else console.ConsoleListener(screen, found, lang)
    listen = redacting(listener, found, audience)
    attempts = [progress.before(out / "result.json", found.id)]

    def grade(keep: Callable[[stages.Graded], None] | None = None) -> Result:
        options = pipeline.Options(checks=only, seed=seed, images=mode, keep=keep)  # type: ignore[arg-type]  # click chose it
        return pipeline.grade(source, found, listen, options)

    def present(result: Result) -> None:
        seen = redacted(result, audience)
        html.write(seen, out / "report.html", lang=lang, earlier=attempts[-1])
        result_json.write(seen, out / "result.json", lang=lang)
        exports.write(result, out)
        if isinstance(listener, json_lines.Listener):
            listener.result(seen)
        else:
            listener.close()
            console.summary(seen, screen, report=out / "report.html", lang=lang, earlier=attempts[-1])
        attempts.append(progress.of_result(seen))

    with listener:
        if how == "watch":
            result = working.watch(source, out.resolve(), screen, lang, grade, present)
        else:
            shown: list[Result] = []

            def keep(graded: stages.Graded) -> None:
                shown.append(graded.result())
                present(shown[0])
                working.keep(graded, screen, lang)

            result = grade(keep if how == "keep" else None)
            if not shown:
                present(result)
    return scoring.exit_code(result.grade, result.outcomes)
