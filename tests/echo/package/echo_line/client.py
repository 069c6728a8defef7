"""How the grader talks to it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from echo_line import BROKER
from grader.brokers import Client
from grader.errors import CheckFailure
from grader.model.text import literal, msg
from grader.polling import Deadline

if TYPE_CHECKING:
    from typing import BinaryIO

    from grader.probes.reach import Stack
    from grader.probes.recorder import Recorder

PATIENCE_S = 5.0
AGAIN_S = 1.0


class Unanswered(CheckFailure):
    """Nobody said what was waited for."""

    def __init__(self, answer: str, heard: list[str]) -> None:
        super().__init__(
            "line-unanswered",
            expected=msg("somebody says: %(line)s", line=answer),
            observed=literal(", ".join(heard)[:200] or "-"),
        )


class Echo:
    """A probe of one broker: `service` is its name in the compose file."""

    def __init__(self, stack: Stack, recorder: Recorder, service: str, *, port: int = BROKER.port) -> None:
        self.service = service
        self._recorder = recorder
        self._address = lambda: stack.address(service, port)

    def ready(self) -> bool:
        """Say whether it answers."""
        try:
            with socket.create_connection(self._address(), timeout=PATIENCE_S) as connection:
                connection.sendall(b"PING\n")
                return connection.makefile("rb").readline(100) == b"PONG\n"
        except OSError:
            return False

    def ask(self, line: str, answer: str, within: float) -> None:
        """Say a line, again each second, until somebody answers it. Raises Unanswered, OSError."""
        deadline, heard = Deadline(within), []
        with socket.create_connection(self._address(), timeout=AGAIN_S) as connection:
            reader = connection.makefile("rb")
            while not deadline.passed():
                connection.sendall(f"{line}\n".encode())
                self._recorder.note("line", "said", actor=self.service, text=line)
                said = self._next(reader)
                heard += said
                if answer in said:
                    return
        raise Unanswered(answer, heard)

    def _next(self, reader: BinaryIO) -> list[str]:
        try:
            said = reader.readline(1000).decode("utf-8", "replace").rstrip("\n")
        except TimeoutError:
            return []
        self._recorder.note("line", "heard", actor=self.service, text=said)
        return [said]


CLIENT = Client(
    probe=Echo,
    ready=Echo.ready,
    errors=(OSError,),
)
