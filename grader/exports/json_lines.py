"""Events and the result as JSON lines, for programs that watch a grading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TextIO

import msgspec

from grader import untrusted
from grader.events import CheckEnded, Notice, PipelineEvent
from grader.exports import result_json
from grader.presentation import limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.presentation.audience import Redacted


def plain(event: PipelineEvent, lang: str) -> dict[str, object]:
    """Return an event as plain data, {"type": ...}; what a submission wrote in it is cleaned."""
    match event:
        case CheckEnded(outcome):
            reason = untrusted.one_line(outcome.reason, limit=limits.CODE)
            return {"type": "check-ended", "check": outcome.check, "outcome": outcome.verdict, "reason": reason}
        case Notice(text):
            return {"type": "notice", "text": untrusted.rendered(text, lang)}
    line: dict[str, object] = msgspec.to_builtins(event)
    return line


class Listener:
    """Writes one JSON object a line: {"type": "stage-began" | ... | "result", ...}."""

    def __init__(self, stream: TextIO, lang: str) -> None:
        self._stream = stream
        self._lang = lang

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, event: PipelineEvent) -> None:
        """Write one event."""
        self._write(plain(event, self._lang))

    def result(self, result: Redacted) -> None:
        """Write the last line."""
        self._write({"type": "result", **result_json.document(result, lang=self._lang)})

    def _write(self, line: Mapping[str, object]) -> None:
        self._stream.write(result_json.encode(line).decode() + "\n")
        self._stream.flush()
