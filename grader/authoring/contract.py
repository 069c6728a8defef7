"""The names and bounds of a contract, each written once: under `contract:` in the `assignment.yaml`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from grader.errors import UsageError
from grader.model.text import msg

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a fifth of the time


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an assignment's own class lists with its types; the values stand in the YAML."""


C = TypeVar("C", bound=Contract)


def contract(terms: type[C]) -> C:
    """Return the terms of the assignment whose `subject.py` defines the class. Raises UsageError where they differ."""
    file = Path(str(sys.modules[terms.__module__].__file__)).with_name("assignment.yaml")
    written = yaml.load(file.read_text("utf-8"), Loader=_LOADER).get("contract", {})  # noqa: S506 - a safe one
    try:
        return msgspec.convert(written, terms)
    except msgspec.ValidationError as error:
        raise UsageError(msg("%(file)s, contract: %(error)s", file=str(file), error=str(error))) from error
