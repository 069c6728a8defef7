"""The submission as an assignment's checks see it: its record, what is waited for, its state between checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from grader.authoring.conditions import holds
from grader.authoring.verdicts import fail
from grader.errors import CheckFailure
from grader.oracles import caching
from grader.oracles.violation import listed
from grader.polling import Deadline, DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from grader.authoring.conditions import Condition
    from grader.authoring.environment import Environment
    from grader.model.history import History
    from grader.model.outcome import Evidence
    from grader.oracles.violation import Violation

LEAST_S = 20.0  # to come to work in, however late a check is that asks first


class Subject:
    """One submission under an assignment: an assignment's own class adds the verbs of its contract.

    Between checks it is in one of three states: proven at work; disturbed, to be proven again; dirty, because a check
    did not pass or left something behind, to be brought back to a known state first. `prove` and `clean` are the
    assignment's.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.ids = environment.ids
        self.faults = environment.faults
        self.recorder = environment.recorder
        self.limits = environment.assignment.limits
        self._proven = False
        self._raised: dict[str, Exception] = {}

    # -- the record

    def now(self) -> float:
        """Seconds since the stack's start."""
        return self.recorder.clock()

    def history(self, since: float = 0.0) -> History:
        """Everything recorded since a moment (seconds since the stack's start)."""
        return self.recorder.history(since)

    # -- waiting and judging

    def wait(
        self,
        condition: Condition,
        within: float,
        *,
        since: float = 0.0,
        every: float = 0.5,
        retry_on: tuple[type[Exception], ...] = (),
    ) -> set[str]:
        """Wait until nothing is missing of a condition; return what is at the deadline.

        since: from which moment on the record is looked at. every: how often at least, in seconds. retry_on: exceptions
        that mean "not yet"; one that comes at the deadline is raised.
        """
        seen: list[set[str]] = []

        def complete(history: History) -> bool:
            try:
                seen[:] = [set(condition(history))]
            except retry_on:
                return False
            return not seen[0]

        try:
            self.recorder.wait_for(complete, within=within, what="a condition", since=since, at_least=every)
        except DeadlineError:
            return set(condition(self.history(since)))
        return set()

    def expect(
        self,
        condition: Condition,
        *,
        within: float,
        otherwise: str,
        since: float = 0.0,
        every: float = 0.5,
        **facts: Any,
    ) -> None:
        """Wait for a condition and fail with the reason `otherwise` where it does not come true.

        The reason's words may name, besides the facts given: `ids` and `n`, what is missing and how much of it, and
        `within`, the seconds waited.
        """
        missing = self.wait(condition, within, since=since, every=every)
        if missing:
            self.fail(otherwise, **{"ids": sorted(missing), "n": len(missing), "within": int(within), **facts})

    def forbid(self, things: Iterable[str], *evidence: Evidence, otherwise: str, **facts: Any) -> None:
        """Fail with the reason `otherwise` where there is any of these things; its words may name `ids` and `n`."""
        found = list(things)
        if found:
            self.fail(otherwise, *evidence, **{"ids": found, "n": len(found), **facts})

    def expect_same(
        self,
        look: Callable[[], Mapping[str, object]],
        wanted: object,
        *,
        within: float,
        what: str,
        otherwise: str,
    ) -> None:
        """Look until every place (a replica, the database, …) shows the wanted value; fail for those that do not.

        look: returns place -> value; what was seen last is judged. otherwise: a code whose words the oracle has.
        """
        seen: Mapping[str, object] = {}

        def right() -> bool:
            nonlocal seen
            seen = look()
            return caching.differing(seen, wanted, what=what) is None

        self.wait(holds(right), within, every=0.1)
        self.fail_on(caching.differing(seen, wanted, what=what, code=otherwise))

    def fail(self, reason: str, *evidence: Evidence, **facts: Any) -> NoReturn:
        """Fail the check with a reason code, in the words that the assignment's `reasons.yaml` has for it.

        reason: the code, or "code/word" for other words of its `also`. facts: what those words name; several things are
        listed. The last lines of the services that the reason names stand below, after other evidence.
        """
        raise self.failure(reason, *evidence, **facts)

    def failure(self, reason: str, *evidence: Evidence, **facts: Any) -> CheckFailure:
        """Return what `fail` raises."""
        code, _, word = reason.partition("/")
        told = self.environment.reasons()[code]
        said = told.said[word]
        params = {
            name: value if isinstance(value, str | int | float) else listed(value) or "-"
            for name, value in facts.items()
        }
        return CheckFailure(
            code,
            expected=said.expected.filled(**params),
            observed=said.observed.filled(**params),
            evidence=(*evidence, *self._logs(code)),
        )

    def fail_on(
        self, *violations: Violation | None, code: str | None = None, evidence: tuple[Evidence, ...] = ()
    ) -> None:
        """Fail with the first violation that an oracle found; `code` replaces its code where the check knows better."""
        for violation in violations:
            if violation is not None:
                found = code or violation.code
                shown = (*evidence, *self._logs(found))
                fail(found, expected=violation.expected, observed=violation.observed, evidence=shown)

    def once(self, what: str, failure: Exception) -> NoReturn:
        """Raise a failure, or the one that was raised for the same cause before: it counts for one check."""
        raise self._raised.setdefault(what, failure)

    def logs(self, *services: str) -> tuple[Evidence, ...]:
        """Return state and last log lines of services."""
        return tuple(evidence for service in services for evidence in self.environment.logs(service))

    def _logs(self, code: str) -> tuple[Evidence, ...]:
        told = self.environment.reasons().get(code)
        return self.logs(*told.logs) if told else ()

    # -- state between checks

    def working(self) -> None:
        """Bring the submission to a known state before a check: clean, and proven at work."""
        if self.environment.dirty:
            self.reset()
        if not self._proven:
            self.prove()
            self._proven = True

    def prove(self) -> None:
        """Fail unless the submission is at work."""

    def clean(self) -> None:
        """Bring everything back, in such a way that what blocked one check does not block those after it."""

    def disturbed(self) -> None:
        """Say that the submission was disturbed: the next check proves it anew."""
        self._proven = False

    def dirty(self, dirty: object = True) -> None:
        """Say that something was left behind, where that is so: the next check begins with a reset."""
        self.environment.dirty = self.environment.dirty or bool(dirty)

    def reset(self) -> None:
        """Bring the submission back to a known state, so that one mistake does not fail the checks after it."""
        self.disturbed()
        self.clean()
        self.environment.dirty = False

    def rounds(self, within: float, *services: str) -> Iterator[Deadline]:
        """Yield the deadline again and again, until it has passed or none of the services runs or will again.

        For what has to be sent anew each time: what was sent before may have gone to somebody who is no longer there.
        """
        deadline = Deadline(within)
        while not deadline.passed() and not self.environment.gone_for_good(*services):
            yield deadline

    def wait_ready(self, within: float, **ready: Callable[[], bool]) -> None:
        """Wait for one after the other until it says that it is ready, for so long each. Raises DeadlineError."""
        for name, serves in ready.items():
            eventually(serves, within=within, every=0.2, what=name)

    def patience(self, recovery_s: float) -> float:
        """Return the seconds to come to work in: what the contract leaves after the start, later `recovery_s`."""
        left = self.limits.ready_s - self.now()
        return max(LEAST_S, left if left > 0 else recovery_s)

    def replicas(self, service: str, most: int) -> int:
        """Return how many containers of a service there are, at least 1 and at most what the contract demands."""
        return max(1, min(most, len(self.environment.stack.containers(service))))

    def failed(self, *checks: str) -> bool:
        """Say whether one of these checks did not pass in this run."""
        return bool(self.environment.failed & set(checks))
