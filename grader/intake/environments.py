"""Virtual environments under any name: what Python's tools put into a folder, and what in it is the student's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_MARK = "pyvenv.cfg"
_CONDA = "conda-meta"
_PROGRAMS = frozenset({"bin", "scripts"})
_LIBRARIES = frozenset({"lib", "lib64"})
# All that venv, virtualenv and uv make at the top of an environment.
_OWN = frozenset({
    _MARK, "bin", "scripts", "lib", "lib64", "include", "share", "etc", "man", "doc", ".gitignore", ".lock",
    "cachedir.tag", "pip-selfcheck.json", ".python", ".project",
})  # fmt: skip
_SOURCE = re.compile(
    r"(?:docker-)?compose.*\.ya?ml|dockerfile.*|.*\.(?:py|js|ts|java|go|toml)|requirements.*\.txt", re.I
)
_PYTHON = re.compile(r"python\d.*|site-packages|pypy.*", re.IGNORECASE)


def marked(inside: Collection[str], conda: Collection[str]) -> bool:
    """Say whether a folder with these names is an environment; conda: what its folder conda-meta holds."""
    return _MARK in inside or "history" in conda


def pure(inside: Collection[str]) -> bool:
    """Say whether an environment with these names holds nothing else: some put their own files beside them."""
    if _CONDA in inside:  # which has folders of many names
        return not any(map(_SOURCE.fullmatch, inside))
    return all(name.lower() in _OWN for name in inside)


def part(name: str, inside: Collection[str]) -> bool:
    """Say whether an entry of an environment is its own although the student's files lie beside it."""
    if name.lower() in _PROGRAMS:
        return any(found.startswith("activate") or found.lower().startswith("python") for found in inside)
    return name in {_MARK, _CONDA} or (name == "lib64" and not inside)  # a link


def library(folder: str, name: str) -> bool:
    """Say whether a folder within `lib` is where an environment keeps its packages."""
    return folder.lower() in _LIBRARIES and bool(_PYTHON.fullmatch(name))
