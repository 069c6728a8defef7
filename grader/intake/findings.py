"""What intake says of a submission: refusals to be raised at once or gathered, and notices."""

from __future__ import annotations

from typing import NoReturn

from grader.errors import SubmissionRefusedError
from grader.model.findings import Finding
from grader.model.text import Text, msg

_MOST = 100  # a thousand bad names say no more than a hundred


class Remarks:
    """The findings of one intake, in the order in which they were made."""

    def __init__(self) -> None:
        self.errors: list[Finding] = []
        self.notices: list[Finding] = []

    def error(self, code: str, message: Text, file: str, remedy: Text | None = None) -> None:
        """Remember why the submission cannot be taken; raises once there are more reasons than anybody reads."""
        self.errors.append(Finding(code=code, severity="error", message=message, file=file, remedy=remedy))
        if len(self.errors) >= _MOST:
            raise SubmissionRefusedError(*self.errors)

    def refuse(self, code: str, message: Text, file: str, remedy: Text | None = None) -> NoReturn:
        """Stop at once: going on would cost what the limit protects, or read what cannot be trusted."""
        self.errors.append(Finding(code=code, severity="error", message=message, file=file, remedy=remedy))
        raise SubmissionRefusedError(*self.errors)

    def settle(self) -> None:
        """Refuse the submission if anything was found against it."""
        if self.errors:
            raise SubmissionRefusedError(*self.errors)

    def notice(self, code: str, message: Text, file: str, remedy: Text | None = None) -> None:
        """Remember a remark that refuses nothing."""
        if len(self.notices) < _MOST:
            self.notices.append(Finding(code=code, severity="notice", message=message, file=file, remedy=remedy))

    def damaged(self, file: str, why: Text) -> NoReturn:
        """Refuse an archive that is cut off or says two things at once."""
        self.refuse("archive-damaged", why, file, msg("Make the archive anew and check that it opens."))

    def ambiguous(self, file: str, why: Text) -> NoReturn:
        """Refuse an archive in which another program would find other files."""
        self.refuse(
            "archive-ambiguous", why, file, msg("Make the archive anew with your system's own archive program.")
        )
