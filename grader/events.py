"""Typed events that the pipeline emits while it runs; the console, JSON lines and the batch table listen."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from grader.model.outcome import Outcome
from grader.model.text import Text


class StageBegan(msgspec.Struct, frozen=True, tag="stage-began"):
    """A stage of the pipeline began; `stage` is the name of its function in `grader.stages`."""

    stage: str


class StageEnded(msgspec.Struct, frozen=True, tag="stage-ended"):
    """A stage ended after `seconds`; `ok` is false when it raised."""

    stage: str
    seconds: float
    ok: bool = True


class CheckBegan(msgspec.Struct, frozen=True, tag="check-began"):
    """A check began."""

    check: str


class CheckEnded(msgspec.Struct, frozen=True, tag="check-ended"):
    """A check ended with this outcome."""

    outcome: Outcome


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """Something worth a line (an image is pulled, a left-over was removed)."""

    text: Text


PipelineEvent = StageBegan | StageEnded | CheckBegan | CheckEnded | Notice
Listener = Callable[[PipelineEvent], None]
