"""Paths that a submission names: only what lies inside of it, looked at again where it really is."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.near import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from grader.policy.scope import Scope

_DRIVE = re.compile(r"[A-Za-z]:|\\")
MAX_PATH = 1000
MAX_PART = 255
MAX_BESIDE = 500
MAX_CONTENT = 512 * 1024
MAX_CONTENTS = 4 << 20  # of all files together that travel within the model


def inside(scope: Scope, text: str, base: Path | None = None) -> Path | None:
    """Return the real path of `text`, relative to `base` (the submission's root unless said).

    Says `path-outside` and returns None for what is absolute, begins with ~ or leaves the submission by .. or a link.
    The path need not exist.
    """
    root = scope.project.root
    if not text or text.startswith(("/", "~")) or _DRIVE.match(text) or "$" in text or _no_name(text):
        _outside(scope, text)
        return None
    try:
        path = ((base or root) / text).resolve()
        if "\\" in text and not path.exists():  # Compose on Windows takes both kinds of stroke
            scope.warn(
                "path-backslash",
                msg("%(file)s is read with / in place of \\, which is a path on Windows only.", file=text[:120]),
                msg("Write paths with /: it works everywhere."),
            )
            path = ((base or root) / text.replace("\\", "/")).resolve()
    except (OSError, RuntimeError, ValueError):
        _outside(scope, text)
        return None
    if not path.is_relative_to(root):
        _outside(scope, text)
        return None
    return path


def _no_name(text: str) -> bool:
    """Say whether no file can have this name: the system would not answer but fail."""
    parts = text.encode("utf-8", "surrogatepass").split(b"/")
    return "\x00" in text or len(text) > MAX_PATH or any(len(part) > MAX_PART for part in parts)


def _outside(scope: Scope, text: str) -> None:
    scope.error(
        "path-outside",
        msg("%(file)s lies outside of the submission.", file=text[:120] or '""'),
        msg("Use a path relative to the compose file, inside of the submission."),
    )


def nearest_file(path: Path) -> str:
    """Return the name of the file beside a missing one that was probably meant to be it, "" if there is none."""
    if not path.parent.is_dir():
        return ""
    names = [entry.name for entry in itertools.islice(path.parent.iterdir(), MAX_BESIDE) if entry.is_file()]
    return nearest(path.name, sorted(names)) or ""


def relative(scope: Scope, path: Path) -> str:
    """Return a path as it is named within the submission ("." for its root)."""
    return path.relative_to(scope.project.root).as_posix()


def read_bytes(scope: Scope, path: Path, limit: int) -> bytes | None:
    """Return the bytes of a regular file of at most `limit` bytes; None after a complaint."""
    name = relative(scope, path)
    if not path.is_file():
        scope.error("file-missing", msg("The file %(file)s is not in the submission.", file=name))
        return None
    with path.open("rb") as reader:
        data = reader.read(limit + 1)
    if len(data) > limit:
        scope.error("file-too-large", msg("%(file)s is larger than %(limit)d KiB.", file=name, limit=limit >> 10))
        return None
    return data


def content_budget(scope: Scope, size: int) -> bool:
    """Say whether `size` more bytes of files may be read into the model; complains if not."""
    project = scope.project
    project.content += size
    if project.content > MAX_CONTENTS:
        scope.error(
            "files-too-large",
            msg("The files that are read into containers are larger than %(limit)d KiB.", limit=MAX_CONTENTS >> 10),
            msg("Mount their folder, or copy them into the image."),
        )
    return project.content <= MAX_CONTENTS


def read_text(scope: Scope, path: Path, limit: int = MAX_CONTENT) -> str | None:
    """Return the text of a file that is put into a container; None after a complaint."""
    data = read_bytes(scope, path, limit)
    if data is None or not content_budget(scope, len(data)):
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        scope.error(
            "file-not-text",
            msg("%(file)s is mounted by itself and is not text in UTF-8.", file=relative(scope, path)),
            msg("Mount its folder, or copy it into the image."),
        )
        return None
    return text


def file_config(scope: Scope, path: Path) -> tuple[str, str] | None:
    """Register a file to be put into containers; returns its config's name and mode, None after a complaint."""
    source = relative(scope, path)
    project = scope.project
    if source not in project.file_sources:
        text = read_text(scope, path)
        if text is None:
            return None
        name = f"file-{len(project.file_sources) + 1}"
        project.file_sources[source] = name
        project.files[name] = text
    executable = path.stat().st_mode & 0o111
    return project.file_sources[source], "0555" if executable else "0444"
