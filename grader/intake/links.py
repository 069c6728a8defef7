"""Links: where one leads, told from the copied tree alone, so that no file system is asked."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOPS = 40  # as the kernel
TARGET_BYTES = 1000


def resolve(links: Mapping[PurePosixPath, str], link: PurePosixPath, root: PurePosixPath) -> PurePosixPath | None:
    """Return where `link` ends below `root`, following the other links; None if any step is outside, or it loops."""
    at = list(link.parent.parts)
    floor = len(root.parts)
    waiting = _steps(links[link])
    hops = 0
    while waiting:
        step = waiting.pop()
        if step == "..":
            if len(at) <= floor:
                return None
            at.pop()
            continue
        at.append(step)
        target = links.get(PurePosixPath(*at))
        if target is None:
            continue
        hops += 1
        if hops > _HOPS or absolute(target):
            return None
        at.pop()
        waiting += _steps(target)
    return PurePosixPath(*at)


def absolute(target: str) -> bool:
    """Say whether a link's target is none that a tree can carry along."""
    return target.startswith("/") or not target or "\\" in target


def _steps(target: str) -> list[str]:
    return [step for step in reversed(target.split("/")) if step not in {"", "."}]
