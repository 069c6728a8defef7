"""Names: which files of a submission are never copied, and which names are refused."""

from __future__ import annotations

import unicodedata

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")  # in Compose's precedence

LEFT_OUT = frozenset({
    ".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".pytest_cache", ".mypy_cache",
    ".ruff_cache", ".gradle", ".idea", ".vscode", ".DS_Store", "__MACOSX", "Thumbs.db", "desktop.ini",
    "grader-report",  # our own, of the attempt before
})  # fmt: skip
# Build output is left out only where the tool's own file stands beside it: "build" and "target" are also honest names.
BUILD_OUTPUT = {
    "target": ("pom.xml", "Cargo.toml"),
    "build": ("build.gradle", "build.gradle.kts"),
    "dist": ("vite.config.js", "vite.config.ts"),
}

_REORDER = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # make a name read as another one

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.zst", ".7z", ".rar", ".bundle")


def left_out(name: str, siblings: set[str]) -> bool:
    """Say whether an entry called `name`, next to `siblings`, is never part of the clean copy."""
    if name.lower() in {n.lower() for n in LEFT_OUT}:  # a case-blind file system finds .GIT too
        return True
    return any(marker in siblings for marker in BUILD_OUTPUT.get(name, ()))


def odd(name: str) -> bool:
    """Say whether a name cannot be carried safely through archives, YAML and terminals."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return len(name) > 200 or any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in _REORDER for c in name)
