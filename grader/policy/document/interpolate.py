"""Variables in a text as Compose replaces them: `$NAME`, `${NAME}` and its six operators; any other `$` is text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT = 32 * 1024
MAX_NESTING = 10
_NAME = r"[_a-zA-Z][_a-zA-Z0-9]*"
_BEGIN = re.compile(rf"\$(?:(?P<escaped>\$)|(?P<named>{_NAME})|(?P<brace>\{{))")
_BRACED = re.compile(rf"(?P<name>{_NAME})(?:(?P<operator>:?[-+?])(?P<word>.*))?\Z")


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
    return _Expansion(variables, on_missing or _nothing).run(text, 0)


def _nothing(_name: str) -> None:
    pass


class _Expansion:
    def __init__(self, variables: Mapping[str, str], on_missing: Callable[[str], None]) -> None:
        self.variables = variables
        self.on_missing = on_missing

    def run(self, text: str, depth: int) -> str:
        if depth > MAX_NESTING:
            raise InterpolationError("interpolation-syntax", msg("Variables are nested too deep."))
        out: list[str] = []
        size = position = 0
        while begin := _BEGIN.search(text, position):
            out.append(text[position : begin.start()])
            position = begin.end()
            if begin["escaped"]:
                out.append("$")
            elif begin["named"]:
                out.append(self._value(begin["named"]))
            else:
                end = _closing(text, begin.end() - 1)
                out.append(self._braced(text[begin.end() : end], depth))
                position = end + 1
            size += len(out[-2]) + len(out[-1])
            if size > MAX_TEXT:
                raise too_large()
        out.append(text[position:])
        if size + len(out[-1]) > MAX_TEXT:
            raise too_large()
        return "".join(out)

    def _value(self, name: str) -> str:
        if name not in self.variables:
            self.on_missing(name)
        return self.variables.get(name, "")

    def _braced(self, body: str, depth: int) -> str:
        form = _BRACED.match(body)
        if not form:
            raise InterpolationError(
                "interpolation-syntax",
                msg("${%(body)s} is no form that Compose knows.", body=body[:60])
                if re.match(_NAME, body)
                else msg("${%(body)s} names no variable.", body=body[:60]),
            )
        name, operator = form["name"], form["operator"]
        if not operator:
            return self._value(name)
        value = self.variables.get(name)
        present = bool(value) if operator.startswith(":") else value is not None
        kind = operator[-1]
        # Compose reads the word in any case, so what is wrong in it is wrong; what it lacks matters where it is used
        used = present == (kind == "+")
        word = _Expansion(self.variables, self.on_missing if used else _nothing).run(form["word"], depth + 1)
        if used and kind != "?":
            return word
        if kind == "?" and not present:
            raise InterpolationError(
                "variable-required", msg("The variable %(name)s must be set in .env and is not.", name=name[:80])
            )
        return value or ""


def _closing(text: str, brace: int) -> int:
    """Return the position of the brace that closes the one at `brace`; on the same line, as Compose looks for it.

    Braces are counted as Compose counts them: what stands right behind an opening one is not looked at, and where they
    do not come out even, the last one on the line closes.
    """
    line = text.find("\n", brace)
    last = text.rfind("}", brace, len(text) if line < 0 else line)
    depth = 0
    position = brace
    while position <= last:
        if text[position] == "{":
            depth += 1
            position += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    if last < 0:
        raise InterpolationError("interpolation-syntax", msg("A ${ is not closed."))
    return last


def escape(value: str) -> str:
    """Write a text so that Compose's own interpolation gives it back unchanged."""
    return value.replace("$", "$$")
