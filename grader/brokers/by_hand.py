"""Commands to type by hand: what the system's own tools show of a running container."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

# (variables of the service, its image) -> what to run within its container
ByHand: TypeAlias = Callable[[Mapping[str, str], str], tuple[str, ...]]


def nothing(_variables: Mapping[str, str], _image: str) -> tuple[str, ...]:
    """Have no commands."""
    return ()


def commands(*lines: str) -> ByHand:
    """Have these commands, however the service is set up."""
    return lambda _variables, _image: lines
