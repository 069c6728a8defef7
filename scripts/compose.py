"""Makes sure that there is a Docker Compose that is new enough: the user's, or one installed into the environment."""

from __future__ import annotations

import sys
from pathlib import Path

from saying import give_up, say

from grader import process
from grader.errors import GraderError
from grader.model.text import msg
from grader.stack.compose import find_compose

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements/compose.lock"
INSTALL_S = 900.0


def main() -> int:
    """Return the exit code."""
    try:
        return _found()
    except GraderError:
        pass  # so it is installed
    say(msg("Installing Docker Compose"))
    # Anew even where pip believes to have it: what a killed run has left does not run.
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = process.run(
        [*argv, "--force-reinstall", "--require-hashes", "-r", LOCK], deadline_s=INSTALL_S, env=None, cwd=ROOT
    )
    if done.returncode != 0:
        text = msg("Docker Compose could not be installed: %(log)s", log=done.output[-2000:].strip())
        return give_up(GraderError(text, msg("Install Docker's Compose plug-in, or try again: make compose")))
    try:
        return _found()
    except GraderError as error:
        return give_up(error)


def _found() -> int:
    say(msg("Docker Compose: %(path)s", path=str(find_compose())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
