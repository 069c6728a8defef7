"""The state in which a Dockerfile is judged from top to bottom."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from grader.policy.collect import Collector
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.words import expand
from grader.policy.scope import Scope

if TYPE_CHECKING:
    from grader.policy.dockerfile.images import Stages


@dataclass(slots=True)
class State:
    """What a stage has set so far, and what it leaves to those that start from it."""

    env: dict[str, str | None] = field(default_factory=dict)
    args: dict[str, str | None] = field(default_factory=dict)
    folder: str = "/"
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    user: str = ""
    volumes: int = 0
    triggers: list[df.Instruction] = field(default_factory=list)  # ONBUILD

    def child(self) -> State:
        """Return the state of a stage that starts from this one; arguments and triggers are not handed down."""
        return State(dict(self.env), {}, self.folder, self.shell, self.user, self.volumes)

    def copy(self) -> State:
        """Return this state, to be tried out."""
        return replace(self, env=dict(self.env), args=dict(self.args), triggers=list(self.triggers))


@dataclass(slots=True)
class Reading:
    """The state while a Dockerfile is judged from top to bottom."""

    scope: Scope
    stages: Stages
    arguments: dict[str, str]  # of the compose file
    escape: str = "\\"
    state: State = field(default_factory=State)
    states: list[State] = field(default_factory=list)  # of the stages above and of this one
    files: dict[str, str] = field(default_factory=dict)  # texts that are put into the context
    found: list[Collector] = field(default_factory=list)  # per stage, which may turn out not to be built
    in_trigger: bool = False
    images: dict[str, State] = field(default_factory=dict)  # what is known of images, with what they do when built on

    def begin(self) -> None:
        """Keep what is found from here on apart, as that of one more stage."""
        self.found.append(Collector())
        self.scope = replace(self.scope, sink=self.found[-1])

    def at(self, instruction: df.Instruction) -> Scope:
        """Return the scope of one instruction."""
        return line_of(self.scope, instruction.line)

    def word(self, text: str) -> tuple[str, bool]:
        """Return a word as the builder will read it here, and whether that is certain."""
        if self.in_trigger and "$" in text:  # replaced where the trigger goes off, and judged again there
            return text, False
        return expand(text, ChainMap(self.state.env, self.state.args), self.escape)


Kept = list[df.Instruction]


def line_of(scope: Scope, number: int) -> Scope:
    """Return the scope of a line of the Dockerfile whose place is `scope`.

    The place of a file has line 0; that of one that stands in the compose file has the line of its key.
    """
    return Scope(scope.project, scope.path, scope.line + number, scope.service, scope.sink, scope.file)
