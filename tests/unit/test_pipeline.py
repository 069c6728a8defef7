"""The pipeline's own decisions; its stages are tested where they live, the whole in tests/docker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from grader import assignments, images, pipeline
from grader.errors import ImageMissingError, SubmissionBrokenError, SubmissionRefusedError, UnusableImagesError
from grader.model.grade import ResolvedImage
from grader.model.plan import ImageUse, StackPlan
from grader.model.pulled import PulledImage
from grader.model.text import msg
from grader.pipeline import GATEWAY_IMAGE, chosen_checks

if TYPE_CHECKING:
    from collections.abc import Iterable

TASK_QUEUE = assignments.load("rabbitmq-task-queue")


def test_a_chosen_check_brings_what_it_needs() -> None:
    """Needs of needs too, all in rubric order."""
    assert chosen_checks(TASK_QUEUE, ["stop.graceful"]) == ("task.done", "ack.after-work", "stop.graceful")


def test_no_choice_is_all() -> None:
    """In rubric order."""
    assert chosen_checks(TASK_QUEUE, ()) == tuple(c.id for c in TASK_QUEUE.checks)


RUBY = ImageUse(name="ruby:3.3", file="Dockerfile", line=1, path="services.api.build", catalogue=False)
PLAN = StackPlan(compose={"services": {}, "networks": {}, "volumes": {}}, images=("ruby:3.3",), uses=(RUBY,))


def bound(
    monkeypatch: pytest.MonkeyPatch, *, missing: ImageMissingError | None = None, **brings: Any
) -> tuple[pipeline.Run, list[str]]:
    """Bind a plan to images of which nobody has any, or all; return the run and what was asked for."""
    asked: list[str] = []

    def resolve(_client: object, names: Iterable[str], **_: object) -> dict[str, ResolvedImage]:
        asked.extend(names)
        if missing:
            raise missing
        return {name: ResolvedImage(name=name, reference=f"{name}@x") for name in asked}

    monkeypatch.setattr(images, "resolve", resolve)
    monkeypatch.setattr(images, "facts", lambda _c, _r, names: {n: PulledImage(name=n, **brings) for n in names})
    run = pipeline.Run(assignment=TASK_QUEUE, submission="x", seed=1, checks=())
    pipeline.bind(run, None, PLAN, "auto", lambda _event: None)  # type: ignore[arg-type]
    return run, asked


def test_all_images_are_had_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the submission and the gateway's, in one go, so that all that are missing are said together."""
    run, asked = bound(monkeypatch)
    assert asked == ["ruby:3.3", GATEWAY_IMAGE]
    assert [image.name for image in run.images] == ["ruby:3.3"]
    ours = ImageMissingError(msg("The registry does not answer"))
    with pytest.raises(ImageMissingError) as caught:
        bound(monkeypatch, missing=ours)
    assert caught.value is ours


def test_an_image_that_nobody_has_is_a_finding_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is an image of the grader's own."""
    with pytest.raises(SubmissionBrokenError) as broken:
        bound(monkeypatch, missing=UnusableImagesError(msg("x"), None, {"ruby:3.3": "absent", GATEWAY_IMAGE: "absent"}))
    assert [(f.code, f.file, f.line) for f in broken.value.findings] == [("image-not-found", "Dockerfile", 1)]
    with pytest.raises(UnusableImagesError):
        bound(monkeypatch, missing=UnusableImagesError(msg("x"), None, {GATEWAY_IMAGE: "absent"}))


def test_what_an_image_brings_along_is_judged_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the submission had said it."""
    with pytest.raises(SubmissionRefusedError) as refused:
        bound(monkeypatch, folder="/proc")
    assert [(f.code, f.file, f.line) for f in refused.value.findings] == [("image-config", "Dockerfile", 1)]
