"""A service of a compose file as a room looks at it, and what a room has to say about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from grader.model.text import Text


class Image(msgspec.Struct, frozen=True):
    """An image's name: "confluentinc/cp-kafka", "7.9.0", and both in their normal form."""

    upstream: str
    tag: str
    name: str


class Mounted(msgspec.Struct, frozen=True):
    """A file of the submission that is put into a container: its path in the submission, and its text."""

    file: str
    text: str


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A service that has been judged and will be started.

    role: the contract's ("" where it does not name the service). image: what it runs, or what its build grows from.
    built: whether the submission builds it. emitted: all that Compose will be told of it. mounted: asks for the file
    that the submission puts at a path of the container.
    """

    name: str
    role: str
    image: Image | None
    built: bool
    emitted: Mapping[str, Any]
    mounted: Callable[[str], Mounted | None]

    @property
    def environment(self) -> Mapping[str, str]:
        """Its variables."""
        found: Mapping[str, str] = self.emitted.get("environment", {})
        return found

    def runs_own_script(self, program: str = "") -> bool:
        """Say whether the image's own script starts it, with nothing but the variables to go by.

        program: whose options that script takes, as `postgres -c …` or `-c …`.
        """
        command = self.emitted.get("command") or []
        first = (command.split() if isinstance(command, str) else command)[:1]
        options = bool(program) and (first == [program] or any(word.startswith("-") for word in first))
        return "entrypoint" not in self.emitted and (not first or options)


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A mistake that a compose file shows by itself; none refuses the submission.

    at: the attribute of the service, and the name within it, that it is about; nothing for the service. file, line:
    where it is written elsewhere in the submission.
    """

    code: str
    message: Text
    remedy: Text
    severity: Literal["warning", "notice"] = "warning"
    at: tuple[str, ...] = ()
    file: str = ""
    line: int = 0


Lint: TypeAlias = "Callable[[Seen], Remark | None]"
