"""Where the grader keeps and finds things; no other module builds such paths."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).parent


def repository() -> Path | None:
    """Return the checkout that this package runs from, or None when it is installed from a wheel."""
    root = PACKAGE.parent
    return root if (root / "assignments").is_dir() and (root / "pyproject.toml").is_file() else None


def recipes() -> tuple[Path, ...]:
    """Return where the recipes of our own images lie, in the checkout and in the installed package."""
    root = repository()
    found = [root / "fixtures" / "images"] if root else []
    return (*found, PACKAGE / "images" / "recipes")


def cache() -> Path:
    """Return the user's cache folder of the grader, made if missing (GRADER_CACHE overrides it)."""
    path = Path(os.environ.get("GRADER_CACHE") or platformdirs.user_cache_path("broker-grader"))
    path.mkdir(parents=True, exist_ok=True)
    return path
