"""The recipes of equivalents: where they lie, what they hash to, and the context that the engine builds from."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

from grader import paths
from grader.brokers.registry import rooms
from grader.brokers.whole import RECIPES
from grader.errors import GraderError
from grader.model.text import msg

if TYPE_CHECKING:
    from pathlib import Path

    from grader.catalogue import Catalogue, Equivalent


def folder(recipe: str) -> Path:
    """Return a recipe's folder: in the checkout, the installed package, or a room that another distribution brought.

    Raises GraderError when it is in none of them.
    """
    brought = (room.folder / RECIPES for room in rooms().values() if room.distribution)
    for place in (*paths.recipes(), *brought):
        if (place / recipe / "Dockerfile").is_file():
            return place / recipe
    raise GraderError(msg("The recipe %(name)s for building images is not installed.", name=recipe))


def dependencies(catalogue: Catalogue, equivalent: Equivalent) -> dict[str, Equivalent]:
    """Return the equivalents that this one is built on, by the build argument that names them."""
    wanted = {"BASE": equivalent.base, **equivalent.uses}
    return {argument: catalogue.equivalents[name] for argument, name in wanted.items() if name}


def fingerprint(catalogue: Catalogue, equivalent: Equivalent) -> str:
    """Return the hash of all that decides what is built: recipe, arguments and everything underneath (16 digits).

    The packages' versions are not in it: an image that is there is good until its recipe changes.
    """
    digest = hashlib.sha256(json.dumps([equivalent.suite, equivalent.args], sort_keys=True).encode())
    for path in _files(folder(equivalent.recipe)):
        digest.update(b"\0" + path.name.encode() + b"\0" + path.read_bytes())
    for argument, lower in sorted(dependencies(catalogue, equivalent).items()):
        digest.update(f"\0{argument}={fingerprint(catalogue, lower)}".encode())
    return digest.hexdigest()[:16]


def context(recipe: str) -> bytes:
    """Return a recipe's files as a tar archive, the same bytes on every machine."""
    buffer = io.BytesIO()
    root = folder(recipe)
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in _files(root):
            data = path.read_bytes()
            info = tarfile.TarInfo(path.relative_to(root).as_posix())
            info.size = len(data)
            info.mode = 0o755 if data.startswith(b"#!") else 0o644
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
