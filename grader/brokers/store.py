"""Where a broker or a database keeps its data: told from its variables and its command."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """Where one program keeps its data and logs in its container.

    homes: folders in which something else may lie too (a configuration that the command names). whole: folders that
    the program alone fills, with all below. variables: that name such folders, separated by commas. options: of its
    command or configuration that name one. shares: whether those that are named are homes. own: what is its own in a
    folder that is also something else's.
    """

    homes: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    options: str = ""
    shares: bool = False
    own: tuple[str, ...] = ()

    def places(self, variables: Mapping[str, str], said: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return (homes, whole) of a container with these variables, of which these texts (command, files) speak."""
        named = [part for name in self.variables for part in variables.get(name, "").split(",")]
        if self.options:
            named += [match for text in said for match in re.findall(self.options, text)]
        paths = {posixpath.normpath("/" + path.strip().lstrip("/")) for path in named if path.strip().startswith("/")}
        homes = {*self.homes, *(paths if self.shares else ())} - {"/"}
        return homes, {*self.whole, *paths} - homes - {"/"}
