"""What a stack's objects are called."""

from __future__ import annotations

from grader.owners import Owner
from grader.stack.labels import labels_of, new_project


def test_projects_of_one_run_are_told_apart() -> None:
    """Run names are stable within a process, project names are not repeated, and both fit Compose's rules."""
    owner = Owner.current()
    projects = {new_project(owner) for _ in range(50)}
    assert len(projects) == 50
    assert all(name.startswith(f"grader-{owner.run}-") and name == name.lower() for name in projects)
    assert labels_of("p", owner, "gateway")["grader.role"] == "gateway"
    assert set(labels_of("p", owner)) == {"grader.project", "grader.run", "grader.owner"}
