"""The author's API: what a check imports. Everything is loaded on first use, so that `grader --help` stays quick.

What speaks with a system (`X`, `X_ERRORS`, …) its room gives: `Broker.exports`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from typing import Any

from grader._version import __version__

__all__ = ["Evidence", "__version__", "blocked", "check", "fail", "judge", "msg"]

_HOMES = {
    "Evidence": "grader.model.outcome",
    "blocked": "grader.authoring",
    "check": "grader.authoring",
    "fail": "grader.authoring",
    "judge": "grader.authoring",
    "msg": "grader.model.text",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    # `from grader import policy` asks here before it looks for a module of that name.
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is None:
        with contextlib.suppress(LookupError):
            return importlib.import_module("grader.brokers").exported(name)
    raise AttributeError(name)
