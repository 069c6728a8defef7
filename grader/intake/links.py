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
    return _follow(links, link, root)[0]


def way_out(links: Mapping[PurePosixPath, str], link: PurePosixPath, root: PurePosixPath) -> PurePosixPath | None:
    """Return which link it is by which `link` leaves `root`: itself, or another one that it leads to; None if none."""
    return _follow(links, link, root)[1]


def _follow(
    links: Mapping[PurePosixPath, str], link: PurePosixPath, root: PurePosixPath
) -> tuple[PurePosixPath | None, PurePosixPath | None]:
    at = list(link.parent.parts)
    floor = len(root.parts)
    waiting = [(step, link) for step in _steps(links[link])]
    hops = 0
    while waiting:
        step, of = waiting.pop()
        if step == "..":
            if len(at) <= floor:
                return None, of
            at.pop()
            continue
        at.append(step)
        found = PurePosixPath(*at)
        target = links.get(found)
        if target is None:
            continue
        hops += 1
        if hops > _HOPS:
            return None, link
        if absolute(target):
            return None, found
        at.pop()
        waiting += [(step, found) for step in _steps(target)]
    return PurePosixPath(*at), None


def absolute(target: str) -> bool:
    """Say whether a link's target is none that a tree can carry along."""
    return target.startswith("/") or not target or "\\" in target


def _steps(target: str) -> list[str]:
    return [step for step in reversed(target.split("/")) if step not in {"", "."}]
