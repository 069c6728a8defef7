"""How a running system is talked to: what a room says in a module of its own, which needs its client libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import msgspec

from grader.authoring.environment import Observer
from grader.errors import CheckFailure
from grader.model.text import Text, literal

_SHOWN = 300  # characters of what an exception says


def unsaid(*_: object, **__: object) -> NoReturn:
    """Stand where a room has said nothing: it does not load then."""
    raise NotImplementedError


class Refusal(msgspec.Struct, frozen=True):
    """What asks one that is ready whether it is the contract's, and the reason code where it says no.

    asks: of a probe; True, False, or None while nobody answers.
    """

    asks: Callable[[Any], bool | None]
    code: str


class Failure(msgspec.Struct, frozen=True):
    """Exceptions of a client that say what the submission did wrong: the reason code, and what was expected."""

    errors: tuple[type[BaseException], ...]
    code: str
    expected: Text

    def of(self, error: BaseException) -> CheckFailure:
        """Return the failure of a check that met one of these exceptions."""
        observed = literal(f"{type(error).__name__}: {error}"[:_SHOWN])
        return CheckFailure(self.code, expected=self.expected, observed=observed)


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """How one running system is talked to.

    probe: called with (stack, recorder, service, port=…), makes what a check speaks with; no connection yet.
    ready: asks a probe whether its service serves. every_container: whether each container of the service is asked,
    since checks speak to each of them. refuses: see Refusal. errors: what the client libraries raise for a system that
    is away, starting or set up oddly: a check that meets one fails, it does not err. failures: what has a reason code
    of its own. observers: by the name that a check calls one (`environment.<name>(…)`), called with the environment and
    the check's arguments.
    """

    probe: Callable[..., Any] = unsaid
    ready: Callable[[Any], bool] = unsaid
    every_container: bool = False
    refuses: Refusal | None = None
    errors: tuple[type[BaseException], ...] = ()
    failures: tuple[Failure, ...] = ()
    observers: Mapping[str, Callable[..., Observer]] = {}
