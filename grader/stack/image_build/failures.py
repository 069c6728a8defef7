"""What to say when a build fails, takes too long or writes too much."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader import untrusted
from grader.errors import GraderError
from grader.model.findings import Finding
from grader.model.plan import NOTHING_THERE
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.stack.image_build.jobs import Job

_DETAIL_LINES = 40
_LAST_CHARS = 300
_OUT_OF_MEMORY = 137
# Of the engine's COPY: what a submission names is not in its context or stage, or a folder cannot be where it says.
# BuildKit fails then too.
_THEIRS = re.compile(
    r"COPY failed: .*(?:does not exist|not found|no such file|no source files|forbidden path)"
    r"|.*(?:cannot copy to non-directory|not a directory)",
    re.IGNORECASE,
)
_NOISE = re.compile(r"^(?:Removing intermediate container [0-9a-f]+| ---> .*|\[Warning\] One or more build-args .*)$")


def failed(job: Job, output: Sequence[str], step: int, code: int | None, *, memory_mib: int) -> Finding:
    """Return the finding for a failed build. step: which instruction failed, from 1 (0: none began).

    Raises GraderError if that is one of ours, unless what the submission names is plainly the cause.
    """
    build = job.build
    if job.step(step).added and code != NOTHING_THERE and not _plainly_theirs(output):
        raise GraderError(
            msg(
                "A step that the grader adds to the build of %(service)s fails: %(log)s",
                service=build.service,
                log=_last(output),
            ),
            msg("This says nothing about the submission."),
        )
    line = job.step(step).line
    remedy = msg("Run docker compose build %(service)s in your project and read its last lines.", service=build.service)
    if code == _OUT_OF_MEMORY:
        remedy = msg("A step was killed: it may use %(n)s MiB of memory. Build with less at once.", n=memory_mib)
    return _finding(
        job,
        "build-failed",
        msg("The image of %(service)s does not build.", service=build.service),
        remedy,
        output,
        line,
    )


def _last(output: Sequence[str]) -> str:
    return untrusted.one_line(" | ".join(_told(output)[-3:]), limit=_LAST_CHARS)


def _told(output: Sequence[str]) -> list[str]:
    return [text.rstrip() for text in output if text.strip() and not _NOISE.match(text)]


def _plainly_theirs(output: Sequence[str]) -> bool:
    """Say whether the last step ended because of the names that a COPY or a mount gives."""
    begun = max((n for n, line in enumerate(output) if line.startswith("Step ")), default=0)
    return any(_THEIRS.match(line) for line in output[begun + 1 :])


def too_slow(job: Job, output: Sequence[str], step: int, deadline_s: float) -> Finding:
    """Return the finding for builds that did not end in time."""
    return _finding(
        job,
        "build-timeout",
        msg("The images were not built within %(seconds)d s.", seconds=round(deadline_s)),
        msg("Install fewer things, and copy the list of dependencies before the code so that Docker can cache."),
        output,
        job.step(step).line,
    )


def too_large(job: Job, output: Sequence[str], step: int, disk_mib: int) -> Finding:
    """Return the finding for a build that wrote more than it may."""
    return _finding(
        job,
        "build-disk",
        msg("The image of %(service)s needs more than %(n)s MiB of disk.", service=job.build.service, n=disk_mib),
        msg("Install and copy less; remove what was downloaded in the same RUN."),
        output,
        job.step(step).line,
    )


def _finding(job: Job, code: str, message: Text, remedy: Text, output: Sequence[str], line: int) -> Finding:
    lines = _told(output)
    return Finding(
        code=code,
        severity="error",
        message=message,
        file=job.build.dockerfile,
        line=line,
        path=f"services.{job.build.service}.build",
        remedy=remedy,
        detail=tuple(lines[-_DETAIL_LINES:]),
    )
