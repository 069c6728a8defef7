"""A batch's events as JSON lines, for programs that watch it."""

from __future__ import annotations

import threading
from typing import Any, Self, TextIO

import msgspec

from grader import untrusted
from grader.batch.events import BatchEvent, Grading
from grader.exports import result_json
from grader.exports.json_lines import plain
from grader.model.text import Text


class Listener:
    """Writes one JSON object a line, {"type": "class-read" | "grading" | "graded" | ...}; texts are in `lang`."""

    def __init__(self, stream: TextIO, lang: str) -> None:
        self._stream = stream
        self._lang = lang
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, event: BatchEvent) -> None:
        """Write one event, from any thread."""
        if isinstance(event, Grading):
            head = {"type": "grading", "content": event.content, "name": event.name, "host": event.host}
            line = {**head, "event": plain(event.event, self._lang)}
        else:
            line = {key: self._plain(value) for key, value in _fields(event).items()}
        with self._lock:
            self._stream.write(result_json.encode(line).decode() + "\n")
            self._stream.flush()

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Text):
            return untrusted.rendered(value, self._lang)
        if isinstance(value, tuple):
            return [self._plain(v) for v in value]
        return msgspec.to_builtins(value)


def _fields(event: msgspec.Struct) -> dict[str, Any]:
    return {"type": event.__struct_config__.tag, **{f: getattr(event, f) for f in event.__struct_fields__}}
