"""A folder that cannot be written is our trouble: said with its name, and mended without losing anything."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from grader.errors import GraderError
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an OSError of the block, which writes below `folder`, into a GraderError."""
    try:
        yield
    except OSError as error:
        raise GraderError(
            msg("%(folder)s cannot be written: %(why)s.", folder=str(folder), why=error.strerror or str(error)),
            msg("Make room, or see who else uses it; the same command then goes on where it was."),
        ) from error
