"""Events and the result as JSON lines, for programs that watch a grading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self, TextIO, TypeAlias

import msgspec

from grader import untrusted
from grader.events import CheckEnded, Notice, PipelineEvent
from grader.exports import result_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.model.assignment import Assignment
    from grader.model.grade import Result


Audience: TypeAlias = Literal["student", "instructor"]


def plain(event: PipelineEvent, lang: str) -> dict[str, object]:
    """Return an event as plain data, {"type": ...}; what a submission wrote in it is cleaned."""
    match event:
        case CheckEnded(outcome):
            reason = untrusted.one_line(outcome.reason, limit=60)
            return {"type": "check-ended", "check": outcome.check, "outcome": outcome.verdict, "reason": reason}
        case Notice(text):
            return {"type": "notice", "text": untrusted.rendered(text, lang)}
    line: dict[str, object] = msgspec.to_builtins(event)
    return line


class Listener:
    """Writes one JSON object a line: {"type": "stage-began" | ... | "result", ...}."""

    def __init__(self, stream: TextIO, assignment: Assignment, lang: str, audience: Audience) -> None:
        self._stream = stream
        self._assignment = assignment
        self._lang = lang
        self._audience = audience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, event: PipelineEvent) -> None:
        """Write one event."""
        line = plain(event, self._lang)
        if isinstance(event, CheckEnded) and not self._open(event.outcome.check):
            line["reason"] = ""
        self._write(line)

    def result(self, result: Result) -> None:
        """Write the last line."""
        self._write({"type": "result", **result_json.document(result, lang=self._lang, audience=self._audience)})

    def _open(self, check: str) -> bool:
        public = {c.id for c in self._assignment.checks if c.visibility == "public"}
        return self._audience == "instructor" or check in public

    def _write(self, line: Mapping[str, object]) -> None:
        self._stream.write(result_json.encode(line).decode() + "\n")
        self._stream.flush()
