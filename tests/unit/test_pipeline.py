"""The pipeline's own decisions; its stages are tested where they live, the whole in tests/docker."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest

from grader import assignments, images, pipeline, policy, stages
from grader.binding import GATEWAY_IMAGE
from grader.errors import (
    GraderError,
    ImageMissingError,
    SubmissionBrokenError,
    SubmissionRefusedError,
    UnusableImagesError,
)
from grader.events import StageBegan, StageEnded
from grader.model.findings import Finding
from grader.model.grade import ResolvedImage
from grader.model.plan import ImageUse, StackPlan
from grader.model.pulled import PulledImage
from grader.model.text import msg
from grader.model.workspace import Workspace
from grader.presentation import words
from grader.run import Run, chosen_checks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.events import Listener, PipelineEvent

TASK_QUEUE = assignments.load("rabbitmq-task-queue")


def test_a_chosen_check_brings_what_it_needs() -> None:
    """Needs of needs too, all in rubric order."""
    assert chosen_checks(TASK_QUEUE, ["stop.graceful"]) == ("task.done", "ack.after-work", "stop.graceful")


def test_no_choice_is_all() -> None:
    """In rubric order."""
    assert chosen_checks(TASK_QUEUE, ()) == tuple(c.id for c in TASK_QUEUE.checks)


RUBY = ImageUse(name="ruby:3.3", file="Dockerfile", line=1, path="services.api.build", catalogue=False)
WORKSPACE = Workspace(root="/x", name="ana", findings=())
PLAN = StackPlan(compose={"services": {}, "networks": {}, "volumes": {}}, images=("ruby:3.3",), uses=(RUBY,))


def begun(listen: Listener) -> stages.Given:
    """Return what the first stage is given."""
    run = Run(assignment=TASK_QUEUE, submission="x", seed=1, checks=("task.done",))
    return stages.Given(
        run=run, listen=listen, options=stages.Options(), folder=Path("/x"), take=lambda _folder: WORKSPACE
    )


def bound(
    monkeypatch: pytest.MonkeyPatch, *, missing: ImageMissingError | None = None, **brings: Any
) -> tuple[Run, list[str]]:
    """Bind a plan to images of which nobody has any, or all; return the run and what was asked for."""
    asked: list[str] = []

    def resolve(_client: object, names: Iterable[str], **_: object) -> dict[str, ResolvedImage]:
        asked.extend(names)
        if missing:
            raise missing
        return {name: ResolvedImage(name=name, reference=f"{name}@x") for name in asked}

    monkeypatch.setattr(images, "resolve", resolve)
    monkeypatch.setattr(images, "facts", lambda _c, _r, names: {n: PulledImage(name=n, **brings) for n in names})
    given = begun(lambda _event: None)
    stages.images(stages.grown(stages.Connected, given, workspace=WORKSPACE, plan=PLAN, client=None))
    return given.run, asked


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


def test_each_stage_takes_what_the_one_before_it_returns() -> None:
    """The tuple is the order: their types say so, and reports have words for each of them."""
    kinds = [(stage.__name__, get_type_hints(stage)) for stage in pipeline.STAGES]
    for (_, before), (name, after) in itertools.pairwise(kinds):
        (taken,) = [kind for parameter, kind in after.items() if parameter != "return"]
        assert issubclass(before["return"], taken), name
    assert [name for name, _ in kinds] == list(words.STAGES)


def test_a_stage_is_told_and_timed_and_what_stands_already_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that raises has ended badly; its time counts."""
    events: list[PipelineEvent] = []
    given = begun(events.append)
    monkeypatch.setattr(policy, "judge", lambda *_: PLAN)

    def engine(planned: stages.Planned) -> stages.Connected:
        return stages.grown(stages.Connected, planned, client=None)

    def images(_connected: stages.Connected) -> stages.Bound:
        raise GraderError(msg("x"))

    with pytest.raises(GraderError):
        pipeline.through((*pipeline.PREPARING[:3], images), given, {"engine": engine})
    assert [e.stage for e in events if isinstance(e, StageBegan)] == ["intake", "policy", "images"]
    assert [e.ok for e in events if isinstance(e, StageEnded)] == [True, True, False]
    assert list(given.run.stages) == ["intake", "policy", "images"]
    assert given.run.submission == "ana"


def test_a_grading_that_is_refused_says_so_in_every_check() -> None:
    """What a stage raises becomes outcomes, and no stage after it is begun."""
    events: list[PipelineEvent] = []

    def refuse(_folder: Path) -> Workspace:
        raise SubmissionRefusedError(Finding(code="archive-bomb", severity="error", message=msg("x")))

    result = pipeline.grade_taken("ana", refuse, TASK_QUEUE, events.append)
    assert result.grade.status == "rejected"
    assert {(o.verdict, o.reason) for o in result.outcomes} == {("blocked", "submission-refused")}
    assert [e.stage for e in events if isinstance(e, StageBegan)] == ["intake"]
