"""The rooms are the only place that knows which brokers there are: `make weights` counts the files that name one."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from grader import brokers, paths, process

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

ROOT = paths.PACKAGE.parent
EVIDENCE = [role for role in brokers.rooms() if brokers.is_evidence(role)]
# What cannot be said of one without the other stands in a room of theirs; nothing outside of the rooms names any.
NEIGHBOURS = {
    "kafka": {
        "brokers/zookeeper/images.yaml",
        "brokers/zookeeper/rules.py",
    },  # built on its image, started by its scripts
    "zookeeper": {"brokers/kafka/rules.py", "brokers/kafka/set_up.py"},  # an older one keeps its state there
    "postgres": {"brokers/redis/reasons.py"},  # what a cache spares: its statements are shown
}
CLIENTS = ("docker", "httpcore", "kafka", "pika", "psycopg", "redis", "sqlglot", "grader.process")
DECLARED = """
import sys
from grader import brokers
from grader.brokers.reasons import REASONS
from grader.reports import timeline
assert len(REASONS) > 40 and timeline.source_of("x") and brokers.rooms()
print([name for name in sys.argv[1:] if name in sys.modules])
"""


@pytest.fixture(scope="module")
def weights() -> ModuleType:
    """Load scripts/weights.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("weights", ROOT / "scripts" / "weights.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("role", EVIDENCE)
def test_no_file_names_a_broker_by_hand(weights: ModuleType, role: str) -> None:
    """To add one touches its room and its image alone."""
    assert set(weights.naming(role)) == NEIGHBOURS.get(role, set())


def test_a_broker_that_is_named_somewhere_is_found(
    weights: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In code and in data, not in comments and docstrings, and not in its own room."""
    room = tmp_path / "grader" / "brokers" / "redis"
    room.mkdir(parents=True)
    (room / "rules.py").write_text('NAME = "redis"\n', "utf-8")
    (tmp_path / "grader" / "listed.py").write_text('ROLES = {"redis"}\n', "utf-8")
    (tmp_path / "grader" / "said.py").write_text('"""As redis does."""\n# redis\n', "utf-8")
    (tmp_path / "grader" / "list.yaml").write_text("names: [redis]  # redis\n", "utf-8")
    monkeypatch.setattr(weights, "ROOT", tmp_path)
    assert weights.naming("redis") == ["list.yaml", "listed.py"]


def test_what_a_room_declares_needs_no_client_library() -> None:
    """Policy and reports ask the rooms, and reach neither Docker nor anything that speaks with a broker."""
    done = process.run([sys.executable, "-c", DECLARED, *CLIENTS], deadline_s=60, env={"PYTHONPATH": str(ROOT)})
    assert done.output.strip() == "[]"
