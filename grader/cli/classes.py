"""`grader batch`, `report`, `export` and `worker`: many submissions."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from grader.cli.common import EXIT_PROVISIONAL, assignment_id, assignments_folder, guarded, language, say
from grader.errors import GraderError, UsageError
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.batch.gradebook import Rules
    from grader.model.classroom import Gradebook

F = TypeVar("F", bound="Callable[..., Any]")
LAYOUTS = ("auto", "folder", "github", "moodle", "canvas", "blackboard", "gradescope", "roster")


def _tls(function: F) -> F:
    for name, what in (("key", "private key"), ("cert", "certificate"), ("ca", "certificate authority")):
        option = click.option(
            f"--tls-{name}", type=click.Path(exists=True, dir_okay=False), help=f"TLS: the {what} (PEM)."
        )
        function = option(function)
    return function


def _rules(function: F) -> F:
    options = (
        click.option(
            "--attempts", type=click.Choice(["last", "best"]), help="Which of several attempts counts (last)."
        ),
        click.option("--due", help="Deadline, like 2026-11-30T23:59+01:00."),
        click.option("--late", "penalty", help='What being late costs: "10%/day", "5/hour", "20% once".'),
        click.option("--grace", help="So much late costs nothing: 15m, 2h, 1d."),
        click.option("--late-most", "most", type=click.FloatRange(0), help="Being late never costs more than this."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@assignment_id
@click.argument("class_", metavar="CLASS", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Journal and reports.")
@click.option(
    "--form", type=click.Choice(LAYOUTS), default="auto", show_default=True, help="How the class was handed in."
)
@click.option("--roster", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="CSV with all students.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Grade at most so many at once on a machine.")
@click.option(
    "--scheduler", default="", metavar="ADDRESS", help="Dask scheduler (tcp:// or tls://); else this machine."
)
@_tls
@_rules
@click.option("--force", is_flag=True, help="Grade again what is in the journal.")
@click.option(
    "--retry-after", type=click.FloatRange(0, 3600), default=30.0, show_default=True, metavar="SECONDS",
    help="Wait so long before trying again after an error of ours, and four times as long before the last try.",
)  # fmt: skip
@click.option("--seed", type=int, help="Repeat a run's random choices.")
@click.option("--images", "mode", type=click.Choice(["auto", "pull", "equivalent"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
@assignments_folder
@language
@guarded
def batch(
    assignment: str,
    class_: Path,
    out: Path,
    form: Literal["auto", "folder", "github", "moodle", "canvas", "blackboard", "gradescope", "roster"],
    roster: Path | None,
    jobs: int | None,
    scheduler: str,
    tls_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    force: bool,
    retry_after: float,
    seed: int | None,
    mode: Literal["auto", "pull", "equivalent"],
    as_json: bool,
    extra: Path | None,
    lang: str,
    **rules: Any,
) -> None:
    """Grade CLASS for ASSIGNMENT: every submission once, into OUT.

    CLASS is a folder with one folder or archive a student, a folder of GitHub Classroom's clones, Moodle's or Canvas's
    download, or a CSV roster with addresses or paths. Started again, it goes on where it was.

    Exit codes: 0 all grades are final, 2 wrong call, 3 some are provisional (our error; start it again).
    """
    _needed()
    from rich.console import Console  # noqa: PLC0415 - start-up time

    from grader import assignments, scratch  # noqa: PLC0415
    from grader.batch import console, json_lines, output, run  # noqa: PLC0415
    from grader.batch.classes.reading import read  # noqa: PLC0415
    from grader.batch.engine import Retries  # noqa: PLC0415
    from grader.batch.events import Remark  # noqa: PLC0415
    from grader.batch.journal import FILE, Journal  # noqa: PLC0415
    from grader.batch.place import Place  # noqa: PLC0415

    found = assignments.load(assignment, extra)
    if extra:
        os.environ["GRADER_ASSIGNMENTS"] = str(extra.resolve())  # where the gradings, processes of their own, look too
    out.mkdir(parents=True, exist_ok=True)
    place = Place(scheduler=scheduler, jobs=jobs or 0, ca=tls_ca or "", cert=tls_cert or "", key=tls_key or "")
    listener = json_lines.Listener(sys.stdout, lang) if as_json else console.ConsoleListener(Console(), found, lang)
    with Journal(out / FILE) as journal, scratch.folder("class") as folder, listener:
        kept = output.Kept(assignment=found, rules=_made(rules), lang=lang)
        people = read(class_, found.id, folder / "class", form=None if form == "auto" else form, roster=roster)
        output.keep(journal, kept)
        for notice in people.notices:
            listener(Remark(notice))
        options = run.Options(
            place=place,
            rules=kept.rules,
            retries=Retries((retry_after, 4 * retry_after)),
            force=force,
            images=mode,
            seed=seed,
            lang=lang,
        )
        try:
            run.grade_class(found, people, journal, out, options, listener)
        except BaseException:
            with contextlib.suppress(GraderError):  # what ended it is told, not what then went wrong as well
                output.write(journal, out, kept)
            raise
        made = output.write(journal, out, kept)
    _finish(made, out, lang)


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--students", is_flag=True, help="Write every student's pages anew too.")
@_rules
@language
@guarded
def report(out: Path, students: bool, lang: str, **rules: Any) -> None:
    """Write the class page, gradebooks and audit of OUT anew from its journal. Grades nothing.

    `OUT/overrides.yaml` is read each time. Rules that are not given are those of the last batch.
    """
    _needed()
    import msgspec  # noqa: PLC0415 - start-up time

    from grader.batch import output  # noqa: PLC0415

    with output.opened(out) as journal:
        before = output.kept_of(journal)
        kept = msgspec.structs.replace(before, rules=_made(rules, before.rules), lang=lang)
        output.keep(journal, kept)
        if students:
            output.write_students(journal, out, kept)
        made = output.write(journal, out, kept)
    _finish(made, out, lang)


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--form", type=click.Choice(["plain", "moodle", "canvas", "json"]), default="plain", show_default=True)
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="File to write (beside the journal).")
@language
@guarded
def export(out: Path, form: Literal["plain", "moodle", "canvas", "json"], to: Path | None, lang: str) -> None:
    """Write one gradebook of OUT from its journal, with the overrides of now. Grades nothing."""
    _needed()
    from grader.batch import output  # noqa: PLC0415 - start-up time

    with output.opened(out) as journal:
        file = output.export(journal, out, form, to)
    click.echo(str(file))


@click.command()
@click.argument("address")
@_tls
@language
@guarded
def worker(address: str, tls_ca: str | None, tls_cert: str | None, tls_key: str | None, lang: str) -> None:
    """Let this machine grade for the batches of the Dask scheduler at ADDRESS, until that goes away.

    A batch looks first whether Docker, Compose, the images and the same version of the grader are here.
    """
    _needed()
    import asyncio  # noqa: PLC0415 - start-up time

    from grader import scratch  # noqa: PLC0415
    from grader.batch.joining import serve  # noqa: PLC0415
    from grader.batch.place import Place  # noqa: PLC0415

    place = Place(scheduler=address, ca=tls_ca or "", cert=tls_cert or "", key=tls_key or "")
    with scratch.folder("worker") as folder:
        asyncio.run(serve(place, folder))


def _made(given: dict[str, Any], before: Rules | None = None) -> Rules:
    """Return the rules that the options give, the rest as before."""
    import msgspec  # noqa: PLC0415 - start-up time

    from grader.batch import late  # noqa: PLC0415
    from grader.batch.gradebook import Rules  # noqa: PLC0415

    rules = before or Rules()
    if given["attempts"]:
        rules = msgspec.structs.replace(rules, which=given["attempts"])
    if any(given[name] is not None for name in ("due", "penalty", "grace", "most")):
        most = 100.0 if given["most"] is None else given["most"]
        policy = late.policy(given["due"] or "", given["penalty"] or "", given["grace"] or "", most)
        rules = msgspec.structs.replace(rules, late=policy)
    return rules


def _needed() -> None:
    """Raise UsageError where the grader was installed without what a class needs."""
    from importlib.util import find_spec  # noqa: PLC0415 - start-up time

    if not all(find_spec(name) for name in ("distributed", "rensa")):
        raise UsageError(
            msg("Grading a class needs more libraries: %(command)s", command="pip install 'broker-grader[batch]'")
        )


def _finish(book: Gradebook, out: Path, lang: str) -> None:
    """Say where the class page is, and leave with the exit code."""
    from grader.exports import gradebook  # noqa: PLC0415 - start-up time

    say(msg("Class page: %(path)s", path=str(out / "index.html")), lang)
    if gradebook.by_folder(book):
        say(
            msg(
                "The gradebooks for Moodle and Canvas know students by the names of their folders alone. In Moodle, "
                "import the file in the gradebook, not as a grading worksheet, and map its column Username; e-mail "
                "addresses come from --roster."
            ),
            lang,
        )
    sys.exit(EXIT_PROVISIONAL if any(row.state == "provisional" for row in book.rows) else 0)
