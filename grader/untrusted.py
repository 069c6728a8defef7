"""Makes text that a submission wrote safe to show: no escape sequences, nothing invisible, never too much of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC and other strings: titles, links
    r"|\x1b[@-Z\\-_]|\x1b[ -/]+[0-~]|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# what turns the reading direction round, joins or hides: shown by number instead of obeyed
_INVISIBLE = re.compile(r"[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

MAX_CHARS = 2_000
MAX_LINES = 60
MAX_LINE_CHARS = 500


def clean(text: str, *, limit: int = MAX_CHARS) -> str:
    """Return `text` without escape sequences and control characters, invisible characters as [U+202E], capped."""
    cut = text[: 4 * limit]  # an escape sequence of a megabyte is not worth a regular expression
    cut = _ANSI.sub("", cut.replace("\r\n", "\n").replace("\r", "\n"))
    cut = _CONTROL.sub("", cut)
    cut = _INVISIBLE.sub(lambda m: f"[U+{ord(m.group()):04X}]", cut)
    cut = _SURROGATE.sub("\ufffd", cut)
    if len(cut) > limit or len(text) > 4 * limit:
        return cut[:limit] + " […]"
    return cut


def one_line(text: str, *, limit: int = MAX_LINE_CHARS) -> str:
    """Return `text` cleaned and on one line; a line break is shown as a sign."""
    return clean(text, limit=limit).strip("\n").replace("\n", " ⏎ ").replace("\t", " ")


def lines(texts: Sequence[str], *, limit: int = MAX_LINES) -> tuple[str, ...]:
    """Return the last `limit` lines of `texts`, each cleaned and capped; what is left out is said in the first."""
    flat = [line for text in texts for line in clean(text, limit=MAX_LINES * MAX_LINE_CHARS).split("\n")]
    while flat and not flat[-1].strip():
        flat.pop()
    kept = [line if len(line) <= MAX_LINE_CHARS else line[:MAX_LINE_CHARS] + " […]" for line in flat[-limit:]]
    left_out = len(flat) - len(kept)
    return (f"[… {left_out}]", *kept) if left_out else tuple(kept)


def for_log(text: str, *, limit: int = MAX_LINE_CHARS) -> str:
    """Return `text` on one line that a CI service does not take for a command of its own (`::error`, `##[group]`)."""
    return one_line(text, limit=limit).replace("::", ": :").replace("##[", "## [")
