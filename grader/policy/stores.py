"""Where brokers and databases keep their data, by the image that they run: the rooms', and what has no room."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from grader import brokers
from grader.brokers.store import Store
from grader.policy.image import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

# Databases that submissions bring along and that nothing is graded in.
_MYSQL = Store(homes=("/var/log/mysql",), whole=("/var/lib/mysql",))
_MONGO = Store(homes=("/data/configdb",), whole=("/data/db",), options=r"(?:^|\s)--dbpath[\s=]+(/[^\s\"']*)")
_OTHERS = {"mysql": _MYSQL, "mariadb": _MYSQL, "mongo": _MONGO}


@functools.cache
def _stores() -> Mapping[str, Store]:
    found = dict(_OTHERS)
    for room in brokers.rooms().values():
        found |= room.broker.rules.stores
    return found


def store_of(image: str) -> Store | None:
    """Return what is known of the program that an image runs, None for one that is neither broker nor database."""
    name = parse(image)
    if name is None:
        return None
    path = name.path.removeprefix("docker/library/").removeprefix("library/")
    return _stores().get(path)
