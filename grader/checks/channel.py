"""The private pipe from the checks' process to the grader: one JSON message a line, validated on arrival.

Only the plug-in holds the pipe's write end; what a submission or a check prints never travels on it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from grader.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE = 4_000_000


class Began(msgspec.Struct, frozen=True, tag="began"):
    """A check began."""

    check: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A check ended."""

    outcome: Outcome


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """The plug-in cannot go on (our fault): what it would tell a developer."""

    error: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """All checks were run."""


Message = Began | Ended | Broken | Finished


class Sender:
    """The writing end, used by the plug-in."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._encoder = msgspec.json.Encoder()

    def send(self, message: Message) -> None:
        """Send one message; a reader that has gone away is no reason to fail."""
        try:
            self._file.write(self._encoder.encode(message) + b"\n")
        except BrokenPipeError:
            return

    def close(self) -> None:
        """Close the pipe."""
        self._file.close()


def receive(descriptor: int) -> Iterator[Message]:
    """Yield messages until the pipe is closed. Raises msgspec.ValidationError for anything else on it."""
    decoder = msgspec.json.Decoder(Message)
    with os.fdopen(descriptor, "rb") as file:
        while line := file.readline(MAX_LINE):
            yield decoder.decode(line)
