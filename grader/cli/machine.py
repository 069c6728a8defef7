"""`grader doctor` and `grader clean`: the machine."""

from __future__ import annotations

import json
import sys

import click

from grader.cli.common import EXIT_PROVISIONAL, guarded, language
from grader.i18n import render
from grader.model.text import msg


@click.command()
@click.option("--json", "as_json", is_flag=True)
@language
@guarded
def doctor(as_json: bool, lang: str) -> None:
    """Say what is missing on this machine and the command that mends it."""
    from grader.doctor import diagnose  # noqa: PLC0415 - start-up time

    found = diagnose()
    if as_json:
        rows = [
            {
                "name": d.name,
                "ok": d.ok,
                "message": render(d.message, lang),
                "remedy": render(d.remedy, lang) if d.remedy else "",
            }
            for d in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for d in found:
            click.echo(f"{'✓' if d.ok else '✗'} {d.name}: {render(d.message, lang)}")
            if d.remedy and not d.ok:
                click.echo(f"    → {render(d.remedy, lang)}")
    sys.exit(0 if all(d.ok for d in found) else EXIT_PROVISIONAL)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also what graders that still run have started.")
@language
@guarded
def clean(everything: bool, lang: str) -> None:
    """Remove containers, networks, volumes, images and folders that graders which died have left behind."""
    from grader import scratch  # noqa: PLC0415 - start-up time
    from grader.images.endpoint import connect  # noqa: PLC0415
    from grader.stack import reaper  # noqa: PLC0415

    folders = scratch.sweep(everything=everything)  # needs no engine
    click.echo("".join(f"{name}\n" for name in folders), nl=False)
    removed = reaper.clean(connect(), everything=everything)
    click.echo("".join(f"{name}\n" for name in removed), nl=False)
    click.echo(render(msg("%(n)s objects removed", n=len(folders) + len(removed)), lang))
