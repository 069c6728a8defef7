"""The pipeline's own decisions; its stages are tested where they live, the whole in tests/docker."""

from __future__ import annotations

from grader import assignments
from grader.pipeline import chosen_checks

TASK_QUEUE = assignments.load("rabbitmq-task-queue")


def test_a_chosen_check_brings_what_it_needs() -> None:
    """Needs of needs too, all in rubric order."""
    assert chosen_checks(TASK_QUEUE, ["api.confirms"]) == ("task.done", "recover.restart", "api.confirms")


def test_no_choice_is_all() -> None:
    """In rubric order."""
    assert chosen_checks(TASK_QUEUE, ()) == tuple(c.id for c in TASK_QUEUE.checks)
