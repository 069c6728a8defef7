"""Ids of the grader's own messages: every one carries the run's nonce, so that left-overs never count."""

from __future__ import annotations

import itertools


class Ids:
    """Makes ids "<nonce>-<word>-<n>", at most 64 characters, all different. given: those that have been made."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self.given: set[str] = set()
        self._numbers = itertools.count(1)

    def new(self, word: str) -> str:
        """Return a new id with a readable word in it."""
        made = f"{self.nonce}-{word}-{next(self._numbers)}"
        self.given.add(made)
        return made

    def several(self, word: str, count: int) -> list[str]:
        """Return `count` new ids."""
        return [self.new(word) for _ in range(count)]
