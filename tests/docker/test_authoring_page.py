"""Whoever follows docs/authoring.md comes to a proven check."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from grader import process
from tests import authoring_page
from tests.docker.missing import resolved
from tests.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import docker

pytestmark = pytest.mark.docker


def test_its_check_is_proven(engine: docker.DockerClient, tmp_path: Path) -> None:
    """The reference passes, and the mutant fails for the reason that it is made for."""
    resolved(engine, ["python:3.13-slim", "redis:7-alpine"])
    authoring_page.write(tmp_path)
    argv = ["verify", authoring_page.NAME, "--assignments", str(tmp_path / "assignments"), "--full"]
    done = process.run(
        [sys.executable, "-m", "grader", *argv],
        deadline_s=500,
        env={
            "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GRADER_CACHE": str(tmp_path / "cache"),
            "PYTHONPATH": str(ROOT),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.output[-3000:]
