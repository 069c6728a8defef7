"""The state in which a Dockerfile is judged from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grader.policy.dockerfile import syntax as df
from grader.policy.scope import Scope

if TYPE_CHECKING:
    from grader.policy.dockerfile.images import Stages


@dataclass(slots=True)
class Reading:
    """The state while a Dockerfile is judged from top to bottom."""

    scope: Scope
    stages: Stages
    arguments: dict[str, str]  # of the compose file
    variables: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    shell: tuple[str, ...] = ("/bin/sh", "-c")

    def at(self, instruction: df.Instruction) -> Scope:
        """Return the scope of one instruction."""
        return line_of(self.scope, instruction.line)


Kept = df.Instruction | None


def line_of(scope: Scope, number: int) -> Scope:
    """Return the scope of a line of the Dockerfile whose place is `scope`.

    The place of a file has line 0; that of one that stands in the compose file has the line of its key.
    """
    return Scope(scope.project, scope.path, scope.line + number, scope.service, scope.sink, scope.file)
