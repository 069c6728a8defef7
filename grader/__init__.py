"""The author's API, all of what a check imports. Everything is loaded on first use, so that `--help` stays quick.

What speaks with a system (`X`, `X_ERRORS`, …) its room gives: `Broker.exports`. `__init__.pyi` says the types of all
of it; `scripts/api.py` writes it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from typing import Any

from grader._version import __version__

HOMES = {
    "grader.authoring": ("malformed",),
    "grader.authoring.conditions": ("Condition", "arrived", "at_most", "delivered", "either", "holds"),
    "grader.authoring.contract": ("Contract", "contract"),
    "grader.authoring.crowd": ("at_once", "held_up"),
    "grader.authoring.fault_injection": ("FaultInjector",),
    "grader.authoring.ids": ("Ids",),
    "grader.authoring.subject": ("Subject",),
    "grader.authoring.verdicts": ("TooSlowError", "blocked", "check", "fail"),
    "grader.authoring.environment": ("Environment",),
    "grader.errors": ("CheckFailure", "GraderError"),
    "grader.model.history": ("Event", "History"),
    "grader.model.outcome": ("Evidence",),
    "grader.model.stores": ("Statement",),
    "grader.model.text": ("msg",),
    "grader.oracles": ("caching", "delivery", "group", "offsets", "sharing"),
    "grader.oracles.violation": ("Violation",),
    "grader.polling": ("Deadline", "DeadlineError", "eventually", "never", "pause", "quiet_for"),
}
_HOME = {name: home for home, names in HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - names all the same


def __getattr__(name: str) -> Any:
    if home := _HOME.get(name):
        module = importlib.import_module(home)
        return getattr(module, name) if hasattr(module, name) else importlib.import_module(f"{home}.{name}")
    # `from grader import policy` asks here before it looks for a module of that name.
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is None:
        with contextlib.suppress(LookupError):
            return importlib.import_module("grader.brokers").exported(name)
    raise AttributeError(name)
