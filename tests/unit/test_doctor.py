"""The doctor says what is missing and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import doctor
from grader.errors import GraderError
from grader.model.text import msg

if TYPE_CHECKING:
    from pathlib import Path


def test_an_old_python_gets_a_remedy():
    """3.10 is too old, 3.11 is not."""
    old = doctor._python((3, 10, 4))
    assert not old.ok
    assert old.remedy is not None
    assert old.message.params == {"version": "3.10.4"}
    assert doctor._python((3, 11, 0)).ok


@pytest.mark.parametrize(("free", "ok"), [(14.9, False), (15.0, True), (70, True)])
def test_disk_space(free: float, ok: bool):
    """Below the limit the disk is a finding."""
    found = doctor._disk(free)
    assert found.ok is ok
    assert found.remedy is not None


@pytest.mark.parametrize(("total", "ok"), [(1.9, False), (8.0, True)])
def test_memory(total: float, ok: bool):
    """A small virtual machine is a finding."""
    assert doctor._memory(total).ok is ok


def test_missing_compose_hands_on_its_remedy():
    """The search's own words are the diagnosis."""
    remedy = msg("Install it.")

    def find() -> Path:
        raise GraderError(msg("Docker Compose was not found."), remedy)

    found = doctor._compose(find)
    assert (found.ok, found.message.msgid, found.remedy) == (False, "Docker Compose was not found.", remedy)


def test_without_an_engine_nothing_is_raised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, socket_enabled: None):
    """A dead engine is a diagnosis with its remedy, and the rest is looked at all the same."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    found = {d.name: d for d in doctor.diagnose()}
    assert set(found) == {"python", "engine", "compose", "images", "disk", "memory"}
    assert not found["engine"].ok
    assert found["engine"].remedy is not None
    assert not found["images"].ok
    assert found["python"].ok
