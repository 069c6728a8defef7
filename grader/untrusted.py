"""Makes text that a submission wrote safe to show: no escape sequences, nothing invisible, never too much of it.

`clean`, `one_line` and `lines` are for reports (which escape for HTML themselves), `for_log` for terminals and CI logs,
`spreadsheet_cell`, `csv_line` and the `markdown_*` functions for files that other programs interpret.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from grader import i18n
from grader.model.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\n]*?(?:\x07|\x1b\\|(?=\n)|\Z)"  # OSC and other strings (titles, links): to the line's end at most
    r"|\x1b[@-Z\\-_]|\x1b[ -/]+[0-~]|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# what turns the reading direction round, joins, hides or looks like nothing: shown by number instead of obeyed
_INVISIBLE = re.compile(
    r"([\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e0fff])\1*"
)
_STACKED = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# what CI services take for commands: `::error`, `##[group]`, `##vso[…]`, `##teamcity[…]`, anywhere in a line
_LOG_COMMAND = re.compile(r":(?=:)|##(?=\w{0,40}\[)")
_LOG_FOLD = re.compile(r"\b(section_(?:start|end)|travis_(?:fold|time)):", re.IGNORECASE)

_FORMULA: Final = frozenset("=+-@|%\u2212")
_MARKDOWN: Final = re.compile(r"([!-/:-@\[-`{-~])")
# what services make links or mentions of even where Markdown would not: "[@]" and "[:]//" are how one defangs them
_LINKING = re.compile(r"@|:(?=//)|(?<=\bwww)\.|[#!](?=\d)|(?<=\bgh)-(?=\d)", re.IGNORECASE)

MAX_CHARS = 2_000
MAX_LINES = 60
MAX_LINE_CHARS = 500


def clean(text: str, *, limit: int = MAX_CHARS) -> str:
    """Return `text` without escape sequences and control characters, invisible characters as [U+202E], capped."""
    cut = text[: 4 * limit]  # an escape sequence of a megabyte is not worth a regular expression
    if cut.isascii() and cut.replace("\n", "").replace("\t", "").isprintable():  # as most text is
        return cut if len(text) <= limit else cut[:limit] + " […]"
    cut = _ANSI.sub("", cut.replace("\r\n", "\n").replace("\r", "\n"))
    cut = _CONTROL.sub("", cut)
    cut = _STACKED.sub(r"\1…", cut)
    cut = _INVISIBLE.sub(_numbered, cut[: limit + 1])
    cut = _SURROGATE.sub("\ufffd", cut)
    if len(cut) > limit or len(text) > 4 * limit:
        return cut[:limit] + " […]"
    return cut


def _numbered(match: re.Match[str]) -> str:
    times = len(match.group())
    return f"[{times} U+{ord(match.group(1)):04X}]" if times > 1 else f"[U+{ord(match.group()):04X}]"


def rendered(text: Text, lang: str, extra: Path | None = None) -> str:
    """Return `text` in words, cleaned: each of its values alone, so that none swallows the words after it."""
    room = max(MAX_LINE_CHARS // 2, MAX_CHARS * 3 // 4 // max(1, len(text.params)))
    params = {k: clean(v, limit=room) if isinstance(v, str) else v for k, v in text.params.items()}
    try:
        return clean(i18n.render(Text(text.msgid, params), lang, extra))
    except OverflowError:  # an infinite number where the words ask for a whole one
        return clean(i18n.render(Text(text.msgid), lang, extra))


def one_line(text: str, *, limit: int = MAX_LINE_CHARS) -> str:
    """Return `text` cleaned and on one line; a line break is shown as a sign."""
    return clean(text, limit=limit).strip("\n").replace("\n", " ⏎ ").replace("\t", " ")


def lines(texts: Sequence[str], *, limit: int = MAX_LINES) -> tuple[str, ...]:
    """Return the last `limit` lines of `texts`, each cleaned and capped; the first says how many are left out.

    Many lines in one text are found one by one, what lies before them is counted by texts: nobody reads all of it.
    """
    room = MAX_LINES * MAX_LINE_CHARS
    kept: list[str] = []  # the last line first: of a log of a million lines only its end is read
    left_out = 0
    for read, text in enumerate(reversed(texts)):
        if len(kept) >= limit:
            left_out += len(texts) - read
            break
        tail = text[-room:]
        left_out += text.count("\n", 0, len(text) - len(tail))
        found = clean(tail, limit=room).split("\n")
        while found and not kept and not found[-1].strip():
            found.pop()
        free = limit - len(kept)
        kept += reversed(found[-free:])
        left_out += max(0, len(found) - free)
    shown = tuple(line if len(line) <= MAX_LINE_CHARS else line[:MAX_LINE_CHARS] + " […]" for line in reversed(kept))
    return (f"[… {left_out}]", *shown) if left_out else shown


def for_log(text: str, *, limit: int = MAX_LINE_CHARS) -> str:
    """Return `text` on one line that a CI service does not take for a command of its own (`::error`, `##[group]`)."""
    shown = _LOG_COMMAND.sub(lambda m: f"{m.group()} ", one_line(text, limit=limit))
    return _LOG_FOLD.sub(r"\1 :", shown)


def spreadsheet_cell(text: str, *, limit: int = MAX_CHARS) -> str:
    """Return `text` as a cell that no spreadsheet computes: what could begin a formula gets an apostrophe before it."""
    cell = one_line(text, limit=limit)
    begin = cell.lstrip(" \u00a0\u3000'\"")[:1]
    # full-width and small forms of these signs count too for spreadsheets in East Asian languages
    formula = bool(begin) and not _FORMULA.isdisjoint(unicodedata.normalize("NFKC", begin))
    return f"'{cell}" if formula or text[:1] in {"\t", "\r", "\n"} else cell


def csv_line(cells: Iterable[str | int | float]) -> str:
    """Return one line of a CSV file, numbers as they are and text as safe cells.

    Text is always quoted: a program that parts columns at `;` or tabs must not find a new cell inside one of ours.
    """
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow([spreadsheet_cell(c) if isinstance(c, str) else c for c in cells])
    return line.getvalue()


def markdown(text: str, *, limit: int = MAX_LINE_CHARS) -> str:
    """Return `text` on one line of Markdown that shows it and does nothing: no markup, HTML, link, image or mention."""
    shown = one_line(text, limit=limit).strip()
    shown = _LINKING.sub(lambda m: f"[{m.group()}]", shown)
    return _MARKDOWN.sub(_escaped, shown)


def markdown_code(text: str, *, limit: int = MAX_LINE_CHARS) -> str:
    """Return `text` as a code span that it cannot close; good in tables too. "" stays ""."""
    shown = one_line(text, limit=limit).strip().replace("|", "¦")
    if not shown:
        return ""
    fence = "`" * (_longest_run(shown) + 1)
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _escaped(match: re.Match[str]) -> str:
    # as entities, since some programs that show Markdown let raw HTML through before they look at backslashes
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(match.group(), "\\" + match.group())
