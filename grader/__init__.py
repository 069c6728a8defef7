"""The author's API: what a check imports. Everything is loaded on first use, so that `grader --help` stays quick."""

from __future__ import annotations

import importlib
from typing import Any

from grader._version import __version__

__all__ = ["Evidence", "__version__", "blocked", "check", "fail", "fail_on", "msg"]

_HOMES = {
    "Evidence": "grader.model.outcome",
    "blocked": "grader.authoring",
    "check": "grader.authoring",
    "fail": "grader.authoring",
    "fail_on": "grader.authoring",
    "msg": "grader.model.text",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(name)
