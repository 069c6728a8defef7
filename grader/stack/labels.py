"""Names and labels of everything that a stack makes on the engine, and whose it is."""

from __future__ import annotations

import secrets

from grader.owners import Owner

__all__ = [
    "COMPOSE_PROJECT", "NUMBER", "OWNER", "PROJECT", "ROLE", "RUN", "SERVICE", "Owner", "labels_of", "new_project",
]  # fmt: skip

PROJECT = "grader.project"
RUN = "grader.run"
OWNER = "grader.owner"
ROLE = "grader.role"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
COMPOSE_PROJECT = "com.docker.compose.project"


def new_project(owner: Owner) -> str:
    """Return an unused project name, `grader-<run>-<n>`."""
    return f"grader-{owner.run}-{secrets.token_hex(3)}"


def labels_of(project: str, owner: Owner, role: str = "") -> dict[str, str]:
    """Return the labels that every object of a project carries; role: "gateway", "fill", ... for those of ours."""
    labels = {PROJECT: project, RUN: owner.run, OWNER: owner.label()}
    return {**labels, ROLE: role} if role else labels
