"""The private pipe from the checks' process to the grader: one JSON message a line, validated on arrival.

Only the plug-in holds the pipe's write end; what a submission or a check prints never travels on it. What an outcome
quotes of a submission does, so the sender cuts every outcome to what the reader takes: an outcome too large or not
encodable would else be an error of ours that a submission could earn.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Final

import msgspec

from grader.model.history import Event
from grader.model.outcome import Evidence, Outcome
from grader.model.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from grader.model.text import Scalar

MAX_LINE = 4_000_000
MAX_MESSAGES = 10_000
MAX_TEXT = 4_000
MAX_EVIDENCE: Final = 12
MAX_LINES: Final = 80
MAX_LINE_TEXT: Final = 700
MAX_EVENTS: Final = 400
MAX_ITEMS: Final = 40
MAX_DEPTH: Final = 4
SAFE_INTEGER: Final = 2**53


class Began(msgspec.Struct, frozen=True, tag="began", forbid_unknown_fields=True):
    """A check began."""

    check: str


class Ended(msgspec.Struct, frozen=True, tag="ended", forbid_unknown_fields=True):
    """A check ended."""

    outcome: Outcome


class Broken(msgspec.Struct, frozen=True, tag="broken", forbid_unknown_fields=True):
    """The plug-in cannot go on (our fault): what it would tell a developer."""

    error: str


class Finished(msgspec.Struct, frozen=True, tag="finished", forbid_unknown_fields=True):
    """All checks were run."""


Message = Began | Ended | Broken | Finished


class Sender:
    """The writing end, used by the plug-in."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # what a check starts has no business with it
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def send(self, message: Message) -> None:
        """Send one message, cut to size; a reader that has gone away is no reason to fail."""
        line = memoryview(_encoded(message) + b"\n")
        try:
            while line:
                line = line[self._file.write(line) :]
        except BrokenPipeError:
            return

    def close(self) -> None:
        """Close the pipe."""
        self._file.close()


def receive(descriptor: int, checks: Collection[str] | None = None) -> Iterator[Message]:
    """Yield messages until the pipe is closed. Raises msgspec.DecodeError for anything else on it.

    A check begins once and ends once, after it began, and nothing comes after the end of all: what has been said of a
    check cannot be said otherwise later. checks: the ids of this run (None: any).
    """
    decoder = msgspec.json.Decoder(Message)
    order = _Order(checks)
    with os.fdopen(descriptor, "rb") as file:
        while line := file.readline(MAX_LINE):
            if not line.endswith(b"\n"):
                raise msgspec.DecodeError("a line has no end or is too long")
            try:
                message = decoder.decode(line)
            except (RecursionError, UnicodeError) as error:
                raise msgspec.DecodeError(f"not a message: {error}") from error
            order.take(message)
            yield message


def portable(outcome: Outcome) -> Outcome:
    """Return an outcome that can be encoded and is small enough to be read, with the same verdict."""
    return Outcome(
        check=_text(outcome.check),
        verdict=outcome.verdict,
        reason=_text(outcome.reason),
        expected=_words(outcome.expected),
        observed=_words(outcome.observed),
        evidence=tuple(
            Evidence(
                title=_words(e.title) or Text(""),
                lines=tuple(_text(line, MAX_LINE_TEXT) for line in e.lines[-MAX_LINES:]),
            )
            for e in outcome.evidence[:MAX_EVIDENCE]
        ),
        blocked_by=_text(outcome.blocked_by),
        began=_seconds(outcome.began),
        ended=_seconds(outcome.ended),
        events=tuple(_event(e) for e in outcome.events[:MAX_EVENTS]),
    )


class _Order:
    """What may come next on the pipe."""

    def __init__(self, checks: Collection[str] | None) -> None:
        self._checks = checks
        self._begun: set[str] = set()
        self._running: str | None = None
        self._finished = False
        self._count = 0

    def take(self, message: Message) -> None:
        """Note a message. Raises msgspec.ValidationError for one that is out of order."""
        self._count += 1
        if self._finished or self._count > MAX_MESSAGES:
            raise msgspec.ValidationError("a message after the last one")
        match message:
            case Began(check):
                if check in self._begun or not self._known(check):
                    raise msgspec.ValidationError(f"check {check[:100]!r} cannot begin now")
                self._begun.add(check)
                self._running = check
            case Ended(outcome):
                if outcome.check != self._running:
                    raise msgspec.ValidationError(f"check {outcome.check[:100]!r} is not the one that runs")
                self._running = None
            case Finished():
                self._finished = True

    def _known(self, check: str) -> bool:
        return self._checks is None or check in self._checks


def _encoded(message: Message) -> bytes:
    """Encode a message within MAX_LINE, an outcome rather without its evidence than not at all."""
    match message:
        case Ended(outcome):
            outcome = portable(outcome)
            for kept in (outcome, msgspec.structs.replace(outcome, events=()), _bare(outcome)):
                data = msgspec.json.encode(Ended(kept))
                if len(data) < MAX_LINE:
                    break
            return data
        case Began(check):
            return msgspec.json.encode(Began(_text(check)))
        case Broken(error):
            return msgspec.json.encode(Broken(_text(error)))
    return msgspec.json.encode(message)


def _bare(outcome: Outcome) -> Outcome:
    return msgspec.structs.replace(outcome, events=(), evidence=())


def _text(value: object, limit: int = MAX_TEXT) -> str:
    """Return any value as text that has an encoding, capped."""
    text = value if isinstance(value, str) else _shown(value)
    return text[:limit].encode("utf-8", "replace").decode("utf-8")


def _shown(value: object) -> str:
    try:
        return str(value)
    except (ValueError, RecursionError):  # integers of thousands of digits, lists of a thousand levels
        return f"<{type(value).__name__}>"


def _words(text: object) -> Text | None:
    if text is None:
        return None
    if not isinstance(text, Text):
        return Text("%(value)s", {"value": _text(text)})
    return Text(_text(text.msgid), {_text(k, 100): _scalar(v) for k, v in list(text.params.items())[:MAX_ITEMS]})


def _scalar(value: object) -> Scalar:
    """Return a parameter as JSON can carry it: no NaN, no integer that readers take for a float, no truth value."""
    match value:
        case bool():
            return str(value)
        case float() if math.isfinite(value):
            return value
        case int() if abs(value) < SAFE_INTEGER:
            return value
    return _text(value)


def _seconds(value: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _event(event: Event) -> Event:
    return Event(
        at=_seconds(event.at),
        source=_text(event.source, 100),
        kind=_text(event.kind, 100),
        subject=_text(event.subject, 300),
        actor=_text(event.actor, 300),
        data=_plain(event.data, 0),
    )


def _plain(value: Any, depth: int) -> Any:
    """Return a value of an event as bounded JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict) and depth < MAX_DEPTH:
        return {_text(k, 100): _plain(v, depth + 1) for k, v in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple) and depth < MAX_DEPTH:
        return [_plain(v, depth + 1) for v in value[:MAX_ITEMS]]
    if isinstance(value, int | float):
        return _scalar(value)
    return _text(value, 500)
