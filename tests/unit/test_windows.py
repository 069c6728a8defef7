"""On Windows itself every command says where to run it instead.

There is no Windows here: a child of Linux's Python is made like it. The POSIX modules cannot be imported, the names
that `os`, `signal` and `socket` lack there are gone, and the platform calls itself "win32" before anything of ours is
loaded. So it shows that what a command needs there to say its line can be imported and runs without these. What it
cannot show is how click and the console behave on a real Windows (click is imported as on Linux).
"""

from __future__ import annotations

import sys

import pytest

from grader import process
from grader.cli import COMMANDS

LIKE_WINDOWS = """
import sys
import click, os, signal, socket
for name in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
for module, names in (
    (os, "fork geteuid getuid kill killpg setsid O_CLOEXEC O_NOFOLLOW O_NONBLOCK"),
    (signal, "SIGALRM SIGHUP SIGKILL SIGUSR1 alarm pthread_sigmask"),
    (socket, "AF_NETLINK AF_UNIX"),
):
    for name in names.split():
        delattr(module, name)
sys.platform = "win32"
"""
PROGRAM = LIKE_WINDOWS + "from grader.cli import command; command(prog_name='grader')"
SPANISH, ENGLISH = "Windows mismo", "Windows itself"


def run(*argv: str, program: str = PROGRAM, lang: str = "") -> process.Completed:
    env = {"GRADER_LANG": lang} if lang else {}
    return process.run([sys.executable, "-c", program, *argv], deadline_s=60, env=env)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_in_one_line_where_to_run_it(name: str) -> None:
    """Exit code 3, one line that names WSL 2, no traceback; nothing of the command's own is asked for."""
    done = run(name)
    assert done.returncode == 3, done.output
    assert "Traceback" not in done.output
    (line,) = done.output.splitlines()
    assert line.startswith("grader: ")
    assert SPANISH in line
    assert "wsl --install" in line


@pytest.mark.parametrize(
    ("argv", "lang", "words"),
    [
        (["check"], "en", ENGLISH),
        (["check", "--lang", "en"], "", ENGLISH),
        (["check", "--lang", "es"], "en", SPANISH),
        (["--lang", "en", "check"], "", ENGLISH),
        (["grade", "rabbitmq-task-queue", "WORK", "--out", "DIR", "--lang=en", "--", "-x"], "", ENGLISH),
        (["images", "ensure", "redis:7", "--mode", "pull"], "", SPANISH),
        (["check", "--help"], "", SPANISH),
    ],
)
def test_whatever_is_said_with_it(argv: list[str], lang: str, words: str) -> None:
    """Arguments, options and subcommands are taken as they come; the language is the reader's."""
    done = run(*argv, lang=lang)
    assert done.returncode == 3, done.output
    (line,) = done.output.splitlines()
    assert words in line


@pytest.mark.parametrize(("argv", "words"), [(["--help"], "doctor"), (["-h"], "doctor"), (["--version"], "version")])
def test_help_and_version_work(argv: list[str], words: str) -> None:
    """Who looks what this is gets an answer there too."""
    done = run(*argv)
    assert done.returncode == 0, done.output
    assert words in done.output


def test_a_command_that_is_not_there_is_a_wrong_call() -> None:
    """As everywhere: exit code 2."""
    done = run("frobnicate")
    assert done.returncode == 2, done.output
    assert "frobnicate" in done.output


def test_the_imitation_is_one() -> None:
    """Without the stand-in a command could not even be imported there, so the tests above would notice."""
    done = run(program=LIKE_WINDOWS + "import grader.cli.classes, grader.batch.run")
    assert any(error in done.output for error in ("ModuleNotFoundError", "AttributeError", "NotImplementedError"))
