"""Following a folder: what a container left behind there stops nobody, though it cannot be read."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from grader import catalogue
from grader.inspection import verdict
from grader.watch import loop

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = """
services:
  db: {image: "postgres:16", environment: {POSTGRES_PASSWORD: x}, volumes: ["./data/db:/var/lib/postgresql/data"]}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A submission in which PostgreSQL's folder is closed, as the server leaves it."""
    (tmp_path / "tarea" / "data" / "db").mkdir(parents=True)
    (tmp_path / "tarea" / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "tarea" / "data" / "db").chmod(0)
    if os.access(tmp_path / "tarea" / "data" / "db", os.R_OK):
        (tmp_path / "tarea" / "data" / "db").chmod(0o700)
        pytest.skip("this user may read everything")
    return tmp_path / "tarea"


def test_changes_beside_a_closed_folder_are_seen(source: Path, tmp_path: Path) -> None:
    """The system's notices are asked for folder by folder, and one of them is refused."""
    seen = threading.Event()

    def work() -> None:
        number = 0
        while not seen.wait(0.05):
            (source / f"file-{number % 5}").write_text(str(number))
            number += 1

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert next(iter(loop.changes(source, tmp_path / "out"))) is None
    finally:
        seen.set()
        worker.join()


def test_a_closed_folder_of_data_is_not_opened(source: Path) -> None:
    """Inspecting accepts the submission and says that the folder begins empty."""
    found = verdict(source, None, catalogue.load(), lang="en")
    assert found["accepted"], found["findings"]
    assert "data-left-behind" in {f["code"] for f in found["findings"]}
