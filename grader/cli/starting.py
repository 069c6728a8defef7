"""`grader new`: the starter of an assignment."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import click

from grader.cli.common import assignment_id, assignments_folder, guarded, language, say
from grader.cli.grading import MARKER
from grader.model.text import msg


@click.command()
@assignment_id
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@assignments_folder
@language
@guarded
def new(assignment: str, folder: Path | None, extra: Path | None, lang: str) -> None:
    """Write starter files and handout of ASSIGNMENT into FOLDER (new or empty; by default named like it)."""
    from grader import assignments  # noqa: PLC0415 - start-up time
    from grader.intake import clean_place  # noqa: PLC0415

    found = assignments.load(assignment, extra)
    target = folder or Path(found.id)
    source = Path(found.directory)
    with clean_place(target):
        shutil.copytree(source / "starter", target, dirs_exist_ok=True)
        shutil.copy(source / "README.md", target / "README.md")
        (target / MARKER).write_text(f"assignment: {found.id}\n", "utf-8")
    ready = msg(
        "%(path)s is ready. Next: cd %(typed)s, read README.md, and run grader check",
        path=str(target),
        typed=shlex.quote(str(target)),
    )
    say(ready, lang)
