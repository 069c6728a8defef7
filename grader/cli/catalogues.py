"""`grader list` and `grader images`: what there is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from grader.cli.common import assignments_folder, guarded, language, printable, say
from grader.model.text import msg

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True)
@assignments_folder
@language
@guarded
def list_(as_json: bool, extra: Path | None, lang: str) -> None:
    """List the assignments with their checks and points."""
    from grader import assignments  # noqa: PLC0415 - start-up time

    found = [assignments.load(name, extra) for name in assignments.names(extra)]
    if as_json:
        rows = [
            {
                "id": a.id,
                "title": a.title.in_language(lang),
                "checks": [
                    {"id": c.id, "points": c.points, "level": c.level, "visibility": c.visibility} for c in a.checks
                ],
            }
            for a in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for assignment in found:
        click.echo(f"{assignment.id}: {assignment.title.in_language(lang)}")
        for c in assignment.checks:
            click.echo(f"    {c.id:24} {c.points:3}  {c.level:7} {c.visibility:7} {c.title.in_language(lang)}")


@click.group()
def images() -> None:
    """List, pull or build the images that submissions may use."""


@images.command(name="list")
@click.option("--json", "as_json", is_flag=True)
@language
@guarded
def list_images(as_json: bool, lang: str) -> None:
    """Show the catalogue and which images are here, pulled or as stand-ins built from packages."""
    from grader import catalogue  # noqa: PLC0415 - start-up time
    from grader import images as library  # noqa: PLC0415
    from grader.images.endpoint import connect  # noqa: PLC0415

    rows = library.survey(connect(), catalogue.load())
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['name']:34} {row['state']:10} {row['reference']}")


@images.command()
@click.argument("names", nargs=-1)
@click.option("--assignment", multiple=True, help="What an assignment's contract and reference solutions use (again).")
@click.option("--mode", type=click.Choice(["auto", "pull", "equivalent"]), default="auto", show_default=True)
@assignments_folder
@language
@guarded
def ensure(names: tuple[str, ...], assignment: tuple[str, ...], mode: str, extra: Path | None, lang: str) -> None:
    """Have the images NAMES ready: pulled where a registry answers, built from packages where none does.

    Those of NAMES are listed; those of an assignment are counted.
    """
    from grader import images as library  # noqa: PLC0415 - start-up time
    from grader.images.endpoint import connect  # noqa: PLC0415

    wanted = list(names)
    if assignment:
        from grader import assignments  # noqa: PLC0415
        from grader.verify.images import images_of  # noqa: PLC0415

        for each in assignment:
            wanted += images_of(assignments.load(each, extra))
        wanted = list(dict.fromkeys(wanted))
    found = library.resolve(connect(), wanted, mode=mode, on_progress=lambda text: say(text, lang))  # type: ignore[arg-type]
    for image in (found[name] for name in dict.fromkeys(names)):
        click.echo(f"{image.name:34} {image.reference}")
    if assignment:
        built = sum(image.equivalent for image in found.values())
        ready = msg("Images: %(count)s are ready, %(built)s of them built from packages", count=len(found), built=built)
        click.echo(printable(ready, lang))
