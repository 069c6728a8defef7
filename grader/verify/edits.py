"""Edits of a text: what is looked for must be there exactly once.

A text that ends with a line break (a block `|` of YAML) means whole lines, at whatever depth they stand: the
indentation that all of them have in the file need not be written, and what comes instead gets it too. Any other text is
a piece of a line, or of several, exactly as it is written.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Edit(msgspec.Struct, frozen=True):
    """Put `new` in the place of `old`; `line` is where that is written."""

    old: str
    new: str
    line: int = 0


class NotOnceError(Exception):
    """What an edit looks for is there never, or several times."""

    def __init__(self, edit: Edit, times: int) -> None:
        super().__init__(times)
        self.edit = edit
        self.times = times


class OverlapError(Exception):
    """Two edits change the same place."""

    def __init__(self, edit: Edit, other: Edit) -> None:
        super().__init__(edit.line)
        self.edit = edit
        self.other = other


class _Place(NamedTuple):
    start: int
    end: int
    indent: str = ""


class _Hunk(NamedTuple):
    """Lines of the old text, and those of the new one that stand instead."""

    old: slice
    new: slice


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with all edits made; each looks for its place in `text` itself.

    Raises NotOnceError and OverlapError.
    """
    placed = []
    for edit in edits:
        places = list(_places(text, edit.old))
        if len(places) != 1:
            raise NotOnceError(edit, len(places))
        placed.append((places[0], edit))
    placed.sort(key=lambda pair: pair[0].start)
    done, upto = [], 0
    for number, (place, edit) in enumerate(placed):
        if place.start < upto:
            raise OverlapError(edit, placed[number - 1][1])
        done += [text[upto : place.start], _instead(edit, text[place.start : place.end], place.indent)]
        upto = place.end
    return "".join([*done, text[upto:]])


def between(old: str, new: str) -> tuple[Edit, ...]:
    """Return the edits that make `new` of `old`: whole lines, and as few unchanged ones as make a place the only one.

    Raises ValueError where that cannot be said so (the end of the file's last line is all that differs, or there is
    nothing to hold on to).
    """
    before, after = _lines(old), _lines(new)
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    hunks: list[_Hunk] = []
    for tag, a, b, c, d in blocks:
        if tag != "equal":
            above = hunks[-1].old.stop if hunks else 0
            hunks.append(_raised(_Hunk(slice(a, b), slice(c, d)), above, before, after))
    hunks = _joined(hunks, gap=1)
    while True:
        grown = [_grown(old, before, hunk, after) for hunk in hunks]
        clash = [n for n in range(1, len(grown)) if grown[n].old.start < grown[n - 1].old.stop]
        if not clash:
            break
        at = clash[0]
        hunks[at - 1 : at + 1] = [_span(hunks[at - 1], hunks[at])]
    edits = tuple(_edit(old, before, hunk, after) for hunk in grown)
    if apply(old, edits) != new:
        raise ValueError(new)
    return edits


def _places(text: str, old: str) -> Iterator[_Place]:
    if not old.endswith("\n"):
        start = text.find(old)
        while start >= 0:
            yield _Place(start, start + len(old))
            start = text.find(old, start + 1)
        return
    pattern, depth = "^", r"(?P<indent>[ \t]*)"
    for line in old[:-1].split("\n"):
        if line.strip():
            pattern += depth
            depth = "(?P=indent)"
        pattern += re.escape(line) + r"\n"
    # what is looked ahead at may overlap, so that every place is counted
    ahead = re.compile(rf"(?=(?P<all>{pattern[:-2]}(?:\n|\Z)))", re.MULTILINE)
    for found in ahead.finditer(text):
        if found["all"]:
            yield _Place(*found.span("all"), found.groupdict().get("indent") or "")


def _instead(edit: Edit, found: str, indent: str) -> str:
    if not edit.old.endswith("\n"):
        return edit.new
    lines = _lines(edit.new)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    text = "".join(indent + line if line.strip() else line for line in lines)
    return text if found.endswith("\n") else text.removesuffix("\n")


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; nothing but a line feed is one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _raised(hunk: _Hunk, above: int, before: list[str], after: list[str]) -> _Hunk:
    """Return lines that came or went with the blank line above them instead of the one below; not beyond `above`."""
    gone, come = before[hunk.old], after[hunk.new]
    last = (gone or come)[-1]
    if last.strip() or (gone and come) or hunk.old.start == above or before[hunk.old.start - 1] != last:
        return hunk
    return _raised(_Hunk(*(slice(side.start - 1, side.stop - 1) for side in hunk)), above, before, after)


def _joined(hunks: list[_Hunk], gap: int) -> list[_Hunk]:
    found: list[_Hunk] = []
    for hunk in hunks:
        if found and hunk.old.start - found[-1].old.stop <= gap:
            found[-1] = _span(found[-1], hunk)
        else:
            found.append(hunk)
    return found


def _span(first: _Hunk, last: _Hunk) -> _Hunk:
    return _Hunk(slice(first.old.start, last.old.stop), slice(first.new.start, last.new.stop))


def _grown(text: str, before: list[str], hunk: _Hunk, after: list[str]) -> _Hunk:
    """Return the hunk with the fewest lines around it that make it the only place; rather those above than below."""
    most = len(before) - (hunk.old.stop - hunk.old.start)
    for more in range(most + 1):
        for above in range(more, -1, -1):
            below = more - above
            if above > hunk.old.start or hunk.old.stop + below > len(before):
                continue
            wider = _Hunk(
                slice(hunk.old.start - above, hunk.old.stop + below),
                slice(hunk.new.start - above, hunk.new.stop + below),
            )
            edit = _edit(text, before, wider, after)
            if edit.old.strip() and sum(1 for _ in _places(text, edit.old)) == 1:
                return wider
    raise ValueError(text)


def _edit(text: str, before: list[str], hunk: _Hunk, after: list[str]) -> Edit:
    old, new = before[hunk.old], after[hunk.new]
    common = _common([_indent(line) for line in (*old, *new) if line.strip()])
    one = Edit("".join(old).strip(), "".join(new).strip())
    whole = Edit(_block(old, common), _block(new, common))
    if len(old) == len(new) == 1 and _around(old[0]) == _around(new[0]) and one.old and one.new:
        return one if sum(1 for _ in _places(text, one.old)) == 1 else whole
    return whole


def _block(lines: list[str], common: str) -> str:
    """Return lines as a text that means whole ones, without the indentation that all of them have."""
    text = "".join(line.removeprefix(common) for line in lines)
    return text + "\n" if text and not text.endswith("\n") else text


def _common(indents: list[str]) -> str:
    """Return the longest indentation that all of them begin with."""
    first = min(indents, key=len, default="")
    while not all(indent.startswith(first) for indent in indents):
        first = first[:-1]
    return first


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _around(line: str) -> tuple[str, str]:
    """Return what stands before and behind the words of a line."""
    return _indent(line), line[len(line.rstrip()) :]
