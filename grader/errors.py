"""The tree of errors: whose fault it was decides what a grade may do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.model.findings import Finding
    from grader.model.text import Text


class UsageError(Exception):
    """The command line asks for something that is not there (exit code 2)."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.msgid)
        self.message = message


class GraderError(Exception):
    """Our fault or the machine's: costs no points, makes a grade provisional (exit code 3).

    `message` says what happened, `remedy` the command or step that mends it.
    """

    def __init__(self, message: Text, remedy: Text | None = None) -> None:
        super().__init__(message.msgid % message.params if message.params else message.msgid)
        self.message = message
        self.remedy = remedy


class DockerUnavailableError(GraderError):
    """No engine answers at the endpoint of the user's current Docker context."""


class ImageMissingError(GraderError):
    """An image can neither be pulled nor built here."""


class UnusableImagesError(ImageMissingError):
    """Images that nobody can use as they are named: their registry has none of that name, or they are too large.

    `images`: name -> "absent", "private" (to be had with a login at most) or "too-large". Where a submission names
    them, that is its own fault.
    """

    def __init__(self, message: Text, remedy: Text | None, images: dict[str, str]) -> None:
        super().__init__(message, remedy)
        self.images = images


class CanaryError(GraderError):
    """Our own canary outside of the student's containers failed too: the machine is at fault."""


class SubmissionError(Exception):
    """The submission's fault; `findings` say what, where and how to mend it."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(f.code for f in findings))
        self.findings = findings


class SubmissionRefusedError(SubmissionError):
    """Nothing of the submission was started: unsafe, unreadable or outside of the contract (exit code 4)."""


class SubmissionBrokenError(SubmissionError):
    """The submission does not build or start: its checks fail with that reason (exit code 1)."""


class BlockedError(Exception):
    """A check cannot be judged before another one passes, `need`."""

    def __init__(self, need: str) -> None:
        super().__init__(need)
        self.need = need


class CheckFailure(AssertionError):  # noqa: N818 - a failed check is an outcome, and reads so in the author's API
    """A check saw what the contract forbids, or did not see what it demands."""

    def __init__(
        self, code: str, *, expected: Text, observed: Text, evidence: tuple[object, ...] = (), at: float | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.expected = expected
        self.observed = observed
        self.evidence = evidence
        self.at = at
