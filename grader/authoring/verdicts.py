"""What the author of a check writes with: `@check` marks one, `fail` and `blocked` end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeVar

import msgspec

from grader.errors import BlockedError, CheckFailure, GraderError
from grader.model.text import msg

if TYPE_CHECKING:
    from grader.model.outcome import Evidence
    from grader.model.text import Text

F = TypeVar("F", bound=Callable[..., None])
ATTRIBUTE = "__grader_check__"


class CheckMark(msgspec.Struct, frozen=True):
    """What `@check` leaves on a test function."""

    id: str
    needs: tuple[str, ...]


def check(check_id: str, *, needs: str | tuple[str, ...] = ()) -> Callable[[F], F]:
    """Mark a pytest function as the check `check_id` of the rubric.

    needs: ids of checks that must have passed before; otherwise this one is blocked. The function's docstring is the
    requirement that the student reads: a Spanish paragraph, a blank line, an English paragraph.
    """
    mark = CheckMark(check_id, (needs,) if isinstance(needs, str) else tuple(needs))

    def decorate(function: F) -> F:
        setattr(function, ATTRIBUTE, mark)
        return function

    return decorate


def fail(code: str, *, expected: Text, observed: Text, evidence: tuple[Evidence, ...] = ()) -> NoReturn:
    """Fail the check with a reason code (`grader.brokers.reasons` has all of them)."""
    raise CheckFailure(code, expected=expected, observed=observed, evidence=evidence)


class TooSlowError(GraderError):
    """This machine has so much to do that our own lever could not strike in time: an error of ours."""

    def __init__(self, observed: Text) -> None:
        super().__init__(observed, remedy=msg("Grade this submission again on a machine with less to do."))


def blocked(by: str) -> NoReturn:
    """End the check without judging it: what it looks at cannot be told from what the check `by` has found.

    Where that is so whatever the submission does, say `needs` instead.
    """
    raise BlockedError(by)
