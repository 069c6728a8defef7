"""A service that is unhealthy: its health check's own words, and the program that its image does not have."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

import msgspec

from grader import brokers
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from grader.model.findings import Finding
    from grader.stack.container import Checked, ContainerState

_ABSENT = re.compile(
    r"(?:^|[\s:\"])(?P<program>[\w./-]+)\"?: (?:command )?(?:not found|No such file or directory"
    r"|executable file not found|stat \S+: no such file)",
    re.IGNORECASE,
)
_LAST_CHARS = 200


def explained(finding: Finding, service: str, state: ContainerState, image: str) -> Finding:
    """Return the finding of a start that failed for the health of a service, with what its health check says.

    image: what its container is made of, under whichever name.
    """
    if state.checked is None:
        return finding
    return msgspec.structs.replace(
        finding,
        message=_message(service, state.checked),
        remedy=_remedy(service, state.checked, image),
        path=f"services.{service}.healthcheck",
    )


def _message(service: str, checked: Checked) -> Text:
    if not checked.output:
        return msg(
            "%(service)s is unhealthy: its health check ends with exit code %(code)d and says nothing.",
            service=service,
            code=checked.exit_code,
        )
    return msg(
        "%(service)s is unhealthy. Its health check says: %(words)s",
        service=service,
        words=checked.output[-1].strip()[:_LAST_CHARS],
    )


def _remedy(service: str, checked: Checked, image: str) -> Text:
    absent = next((match["program"] for line in checked.output if (match := _ABSENT.search(line[:_LAST_CHARS]))), None)
    if absent is None:
        return msg(
            "Try the test of its healthcheck: in the container (docker compose exec %(service)s sh), or give it more "
            "time: start_period, retries.",
            service=service,
        )
    right = _called(posixpath.basename(absent), image) or absent
    if right != absent:
        return msg("Write %(program)s in the test of its healthcheck: so it is called there.", program=right)
    return msg(
        "The image of %(service)s has no %(program)s: write a test with a program that it has, by its whole path if it "
        "is not in PATH.",
        service=service,
        program=absent[:80],
    )


def _called(name: str, image: str) -> str:
    """Return how an image calls a command of the system that it runs; "" where it is none of that system's."""
    for room in brokers.rooms().values():
        programs = room.broker.programs
        if programs.names and re.match(programs.names, name):
            return next((p.format(name.removesuffix(".sh")) for i, p in programs.called.items() if i in image), "")
    return ""
