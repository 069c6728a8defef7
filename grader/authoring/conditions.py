"""Conditions: what a check waits for, as a function from the record to what is still missing.

A condition is true when nothing is missing. One that is not about the record may look at the thing itself instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from grader.model.history import History
from grader.oracles import delivery

Condition: TypeAlias = Callable[[History], Collection[str]]


def arrived(queue: str, *subjects: str) -> Condition:
    """Each of the subjects has come to a queue."""
    return lambda history: set(subjects) - delivery.arrivals(history, queue).keys()


def delivered(queue: str, *subjects: str) -> Condition:
    """Each of the subjects has been given to a consumer of a queue."""
    return lambda history: set(subjects) - set(history.about(*subjects).of("delivered", queue=queue).subjects())


def either(*conditions: Condition) -> Condition:
    """Return what is missing in all of the conditions: for each subject one of them is enough."""
    return lambda history: set.intersection(*(set(condition(history)) for condition in conditions))


def at_most(count: int, condition: Condition) -> Condition:
    """No more than so many are missing."""
    return lambda history: left if len(left := condition(history)) > count else ()


def holds(probe: Callable[[], object], what: str = "") -> Condition:
    """What a probe of the thing itself answers is true."""
    return lambda _history: () if probe() else (what,)
