"""Types of plain YAML scalars by the 1.2 core schema, as Compose's parser reads them.

PyYAML's own resolver follows 1.1: there `22:22` is 1342 and `no` is false, to Compose they are strings.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.policy.document.nodes import Plain

_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INT = re.compile(r"[-+]?[0-9][0-9_]*\Z")
_BASED = re.compile(r"(?P<sign>[-+]?)0(?P<base>[xob])(?P<digits>[0-9a-fA-F_]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INFINITE = re.compile(r"(?P<sign>[-+]?)\.(inf|Inf|INF)\Z")
_BASES = {"x": 16, "o": 8, "b": 2}
MAX_DIGITS = 40  # far beyond any honest number; int() of megabytes of digits costs minutes


def resolve(text: str) -> Plain:
    """Return the typed value of a plain (unquoted) scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_DIGITS or text[0] not in "+-.0123456789":
        return text
    return _number(text)


def _number(text: str) -> Plain:
    if _INT.match(text):
        return _integer(text.replace("_", ""))
    if based := _BASED.match(text):
        try:
            return int(based["sign"] + based["digits"].replace("_", ""), _BASES[based["base"]])
        except ValueError:
            return text
    if infinite := _INFINITE.match(text):
        return -math.inf if infinite["sign"] == "-" else math.inf
    return float(text) if _FLOAT.match(text) else text


def _integer(digits: str) -> Plain:
    body = digits.lstrip("+-")
    if len(body) > 1 and body[0] == "0":  # an octal of YAML 1.1, still read as one
        try:
            return int(digits, 8)
        except ValueError:
            return float(digits)
    return int(digits)
