"""Whose a left-over is: decided by machine, pid and start time."""

from __future__ import annotations

import sys

import msgspec

from grader import process
from grader.owners import Owner


def ended() -> Owner:
    """The owner of a process that has just ended."""
    owner = Owner.current()
    child = process.spawn([sys.executable, "-c", ""], env=None)
    child.wait(10)
    return msgspec.structs.replace(owner, pid=child.pid)


def test_an_owner_survives_its_label() -> None:
    """What a label says is the owner again; a foreign label is nobody."""
    owner = Owner.current()
    assert Owner.parse(owner.label()) == owner
    assert Owner.parse("someone else") is None
    assert Owner.parse("a/b/c") is None


def test_only_a_certainly_dead_process_is_dead() -> None:
    """This one lives; an ended one, and one whose pid has been taken over, are dead; another machine's is unknown."""
    here = Owner.current()
    assert not here.dead()
    assert ended().dead()
    assert msgspec.structs.replace(here, started=here.started - 60).dead()
    assert not msgspec.structs.replace(ended(), host="elsewhere").dead()
