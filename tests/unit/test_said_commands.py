"""Commands that messages tell people to type: each of them is there, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po

from grader.cli import COMMANDS, command

ROOT = Path(__file__).parents[2]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
# "The grader has no …" speaks of the program. What is Spanish calls that "evaluador", so there it is always a command.
_GRADER = re.compile(r"(?<!\w)(?<![Tt]he )(?<![Tt]his )grader ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")
_MAKE = re.compile(r"(?<![\w-])make ([a-z][a-z-]*)")


def messages() -> dict[str, str]:
    """Every message id of every catalogue, with its translation."""
    found = {}
    for path in [*ROOT.glob("grader/locale/**/*.po"), *ROOT.glob("assignments/**/locale/**/*.po")]:
        with path.open("rb") as file:
            found |= {str(m.id): str(m.string) for m in read_po(file) if m.id}
    return found


MESSAGES = messages()


def commands(text: str) -> list[str]:
    """Every `grader` command that a text names, a group with the word behind it: "grader images ensure"."""
    found = []
    for name, word in _GRADER.findall(text):
        group = name in COMMANDS and isinstance(command.get_command(click.Context(command), name), click.Group)
        found.append(f"grader {name} {word}".rstrip() if group else f"grader {name}")
    return sorted(found)


def is_there(said: str) -> bool:
    """Say whether the command line knows a command, and a group its subcommand."""
    found: click.Command | None = command
    for name in said.split()[1:]:
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), name)
        if found is None:
            return False
    return not isinstance(found, click.Group)


def targets(text: str) -> list[str]:
    """Every target that a text may name; in English also what only uses the verb."""
    return sorted(_MAKE.findall(text))


@pytest.mark.parametrize("message", sorted(m for m in MESSAGES if commands(m) or commands(MESSAGES[m])))
def test_every_grader_command_that_is_said_is_there(message: str) -> None:
    """The same ones in both languages."""
    assert commands(message) == commands(MESSAGES[message])
    assert [said for said in commands(message) if not is_there(said)] == []


@pytest.mark.parametrize("message", sorted(m for m in MESSAGES if targets(m) or targets(MESSAGES[m])))
def test_every_make_target_that_is_said_is_there(message: str) -> None:
    """Spanish has no word "make", so what is said there tells which ones of the English text are targets."""
    spanish = targets(MESSAGES[message])
    assert [target for target in spanish if target not in TARGETS] == []
    assert [target for target in targets(message) if target in TARGETS] == spanish
    told = re.findall(r"(?:[Rr]un|again:|or:) make ([a-z][a-z-]*)", message)
    assert [target for target in told if target not in TARGETS] == []


@pytest.mark.parametrize(
    ("text", "said", "there"),
    [
        ("Get it with: grader images build", ["grader images build"], False),
        ("Get it with: grader images ensure %(name)s", ["grader images ensure"], True),
        ("see grader images", ["grader images"], False),
        ("Run grader frobnicate.", ["grader frobnicate"], False),
        ("of grader batch.", ["grader batch"], True),
        ("The grader failed, not you; this grader brings none", [], True),
    ],
)
def test_what_the_tests_above_see(text: str, said: list[str], there: bool) -> None:
    """A command that is not there, and a group without its subcommand, are noticed; the program is no command."""
    assert commands(text) == said
    assert all(map(is_there, said)) is there


def test_there_is_something_to_see() -> None:
    """Both kinds are said somewhere, or the patterns no longer fit."""
    assert "grader check" in {said for m in MESSAGES for said in commands(m)}
    assert {"setup", "compose"} <= {target for m in MESSAGES.values() for target in targets(m)} & TARGETS
