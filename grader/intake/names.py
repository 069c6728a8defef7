"""Names: which files of a submission are never copied, and which names are refused."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")  # in Compose's precedence

LEFT_OUT = frozenset({
    ".git", ".hg", ".svn", "node_modules", ".venv", "venv", ".tox", ".nox", "__pycache__", ".pytest_cache",
    ".mypy_cache", ".ruff_cache", ".gradle", ".idea", ".vscode", ".DS_Store", "__MACOSX", "Thumbs.db", "desktop.ini",
    "grader-report",  # our own, of the attempt before
})  # fmt: skip
# Build output is left out only where the tool's own file stands beside it: "build" and "target" are also honest names.
BUILD_OUTPUT = {
    "target": ("pom.xml", "Cargo.toml"),
    "build": ("build.gradle", "build.gradle.kts"),
    "dist": ("vite.config.js", "vite.config.ts"),
}

_LEFT_OUT_FOLDED = frozenset(n.lower() for n in LEFT_OUT)
# Make a name read as another one, or look the same as another one.
_MISLEADING = (
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # directions
    "\u200b\u2060\ufeff"  # nothing at all
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")  # what HFS+ does not see in a name
_DRIVE = re.compile("[A-Za-z]:")

ARCHIVE_SUFFIXES = (
    ".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".tzst", ".tar.zst", ".7z", ".rar",
    ".bundle", ".tar.z", ".tar.lz", ".tar.lzma", ".tbz", ".tlz", ".zipx", ".gz", ".bz2", ".xz", ".zst", ".lz", ".lzma",
    ".z", ".cpio", ".cab", ".arj", ".ace", ".jar", ".iso", ".dmg",
)  # fmt: skip

# What a submission is packed in; the others are packed files as well, which a program may have for its own use.
HANDED_IN = (
    ".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".tzst", ".tar.zst", ".7z", ".rar",
    ".bundle",
)  # fmt: skip

NAME_CHARACTERS = 200
PATH_BYTES = 1000


def left_out(name: str, siblings: Collection[str]) -> bool:
    """Say whether an entry called `name`, next to `siblings`, is never part of the clean copy."""
    # A case-blind file system finds .GIT too, Windows `.git.` and `git~1`, macOS one with invisible characters.
    plain = _INVISIBLE.sub("", name).split(":")[0].rstrip(" .").lower()
    if plain in _LEFT_OUT_FOLDED or name.lower() in _LEFT_OUT_FOLDED or re.fullmatch(r"git~\d+", plain):
        return True
    return any(marker in siblings for marker in BUILD_OUTPUT.get(name, ()))


def apple_double(name: str) -> bool:
    """Say whether this is a side file in which macOS keeps a file's attributes."""
    return name.startswith("._") and len(name) > 2


def odd(name: str) -> bool:
    """Say whether a name cannot be carried safely through archives, YAML and terminals."""
    try:
        octets = name.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return (
        len(name) > NAME_CHARACTERS
        or len(octets) > 255
        or any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in _MISLEADING for c in name)
    )


def key(parts: Sequence[str]) -> str:
    """Return what two paths share that a file system blind to case or composition takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", "/".join(parts)).casefold())


def archive_parts(name: str) -> tuple[str, ...] | None:
    """Split a name in an archive into its parts, or return None if it leads out of the archive.

    Windows tools write backslashes; they separate wherever the archive is unpacked on the author's machine. Windows
    also takes `.. ` for `..`, and a drive for the start of a new path wherever it stands.
    """
    name = name.replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if name.startswith("/") or (parts and _DRIVE.match(parts[0])):
        return None
    if any(not part.rstrip(" .") or _DRIVE.fullmatch(part) for part in parts):
        return None
    return parts


def shown(name: str) -> str:
    """Return a name for a message: no byte that is not text, no more than a line."""
    return ascii(name.encode("utf-8", "backslashreplace").decode()[:80]) if odd(name) else name[:200]
