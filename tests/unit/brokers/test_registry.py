"""Which rooms there are, and what each declares."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import grader
from grader import assignments, brokers
from grader.model.assignment import TERMS

ROOT = Path(__file__).parents[3]
ROLES = sorted(brokers.rooms())


def test_the_rooms_are_the_folders() -> None:
    """Nobody keeps a list: a folder with a room in it is one."""
    folders = {p.parent.name for p in (ROOT / "grader" / "brokers").glob("*/__init__.py")}
    assert folders == set(ROLES)
    assert all(room.folder.name == role and not room.distribution for role, room in brokers.rooms().items())


def test_every_role_of_every_assignment_has_a_room_or_shows_itself_by_its_work() -> None:
    """A contract's port is known, and what is evidence can start before anything is built."""
    roles = {s.role for name in assignments.names() for s in assignments.load(name).services} - {"worker"}
    assert roles <= set(ROLES)
    assert {role for role in ROLES if brokers.is_evidence(role)} == set(ROLES) - {"http"}
    assert not brokers.is_evidence("worker")


@pytest.mark.parametrize("role", ROLES)
def test_what_a_room_names_is_there(role: str) -> None:
    """Its client, whatever it exports, and what readiness needs."""
    broker = brokers.rooms()[role].broker
    client = brokers.client(role)
    for name in broker.exports:
        assert getattr(grader, name) is brokers.exported(name)
    assert (client is not None) == bool(broker.client)
    taken = inspect.signature(client.probe).parameters if client else ()
    assert set(broker.terms) <= set(TERMS) & set(taken)
    if client:
        assert "unsaid" not in {client.probe.__name__, client.ready.__name__}
        assert all(issubclass(error, Exception) for error in client.errors)


def test_a_name_that_no_room_exports_is_an_attribute_error() -> None:
    """Nor does asking for a module of the package load any room."""
    with pytest.raises(AttributeError):
        _ = grader.Nothing
    with pytest.raises(ImportError):
        importlib.import_module("grader.nothing")
    assert brokers.client("worker") is None
    with pytest.raises(LookupError):
        brokers.exported("Nothing")


@pytest.mark.parametrize("role", ROLES)
def test_a_room_knows_no_other(role: str) -> None:
    """What two of them need stands beside them, so that each can be read, and taken away, alone."""
    others = tuple(f"grader.brokers.{other}" for other in ROLES if other != role)
    for path in brokers.rooms()[role].folder.rglob("*.py"):
        tree = ast.walk(ast.parse(path.read_text("utf-8")))
        assert [n.module for n in tree if isinstance(n, ast.ImportFrom) and (n.module or "").startswith(others)] == []
