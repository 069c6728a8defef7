"""Variables in a compose file: `$NAME`, `${NAME}` and its six operators, from the submission's own .env alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT = 32 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":-|:\?|:\+|-|\?|\+")
MAX_NESTING = 10


class InterpolationError(Exception):
    """A variable expression that cannot be resolved: a stable code and what is wrong."""

    def __init__(self, code: str, message: Text) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def too_large() -> InterpolationError:
    """Return what is raised where replacing variables makes too much text."""
    return InterpolationError("interpolation-too-large", msg("A text grows too large when its variables are replaced."))


def expand(text: str, variables: Mapping[str, str], on_missing: Callable[[str], None] | None = None) -> str:
    """Return `text` with its variables replaced and every `$$` turned into `$`.

    A variable that is not set is empty, as in Compose; `on_missing` is told its name. Raises InterpolationError for a
    malformed expression, for `${NAME:?}` without a value, and for a result of more than 32 KiB.
    """
    if "$" not in text:
        return text
    return _Expansion(variables, on_missing or (lambda _name: None)).run(text, 0)


class _Expansion:
    def __init__(self, variables: Mapping[str, str], on_missing: Callable[[str], None]) -> None:
        self.variables = variables
        self.on_missing = on_missing

    def run(self, text: str, depth: int) -> str:
        if depth > MAX_NESTING:
            raise InterpolationError("interpolation-syntax", msg("Variables are nested too deep."))
        out: list[str] = []
        size = position = 0
        while position < len(text):
            dollar = text.find("$", position)
            if dollar < 0:
                dollar = len(text)
            out.append(text[position:dollar])
            position = dollar
            if dollar < len(text):
                piece, position = self._variable(text, dollar, depth)
                out.append(piece)
                size += len(piece)
            if size > MAX_TEXT:
                raise too_large()
        return "".join(out)

    def _variable(self, text: str, dollar: int, depth: int) -> tuple[str, int]:
        """Return the value of the expression that begins at `dollar` and the position behind it."""
        follows = text[dollar + 1 : dollar + 2]
        if follows == "$":
            return "$", dollar + 2
        if follows == "{":
            end = _closing(text, dollar + 2)
            return self._braced(text[dollar + 2 : end], depth), end + 1
        name = _NAME.match(text, dollar + 1)
        if not name:
            raise InterpolationError(
                "interpolation-syntax", msg("A single $ begins a variable; write $$ for the character itself.")
            )
        return self._value(name[0]), name.end()

    def _value(self, name: str) -> str:
        if name not in self.variables:
            self.on_missing(name)
        return self.variables.get(name, "")

    def _braced(self, body: str, depth: int) -> str:
        name = _NAME.match(body)
        if not name:
            raise InterpolationError("interpolation-syntax", msg("${%(body)s} names no variable.", body=body[:60]))
        rest = body[name.end() :]
        if not rest:
            return self._value(name[0])
        operator = _OPERATOR.match(rest)
        if not operator:
            raise InterpolationError(
                "interpolation-syntax", msg("${%(body)s} is no form that Compose knows.", body=body[:60])
            )
        word = rest[operator.end() :]
        value = self.variables.get(name[0])
        present = bool(value) if operator[0].startswith(":") else value is not None
        kind = operator[0][-1]
        if kind == "+":
            return self.run(word, depth + 1) if present else ""
        if present:
            return value or ""
        if kind == "-":
            return self.run(word, depth + 1)
        raise InterpolationError(
            "variable-required", msg("The variable %(name)s must be set in .env and is not.", name=name[0][:80])
        )


def _closing(text: str, start: int) -> int:
    """Return the position of the brace that closes the expression whose body begins at `start`."""
    depth = 1
    for position in range(start, len(text)):
        if text.startswith("${", position):
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    raise InterpolationError("interpolation-syntax", msg("A ${ is not closed."))


def escape(value: str) -> str:
    """Write a text so that Compose's own interpolation gives it back unchanged."""
    return value.replace("$", "$$")
