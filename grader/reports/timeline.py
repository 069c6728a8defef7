"""From a History's events to the rows of a timeline: when, who saw it, what happened, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from grader import brokers, untrusted
from grader.brokers import Kind, Source
from grader.model.text import Text, msg
from grader.presentation import limits
from grader.reports import fitting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.model.history import Event
    from grader.presentation.words import Words

# What the grader does, and what containers do; what brokers and services do their rooms say (`brokers.sources`).
_OURS: Final = Source(
    glyph="⚡",
    kinds={
        "fault": Kind(msg("we broke %(actor)s"), msg("we broke something")),
        "healed": Kind(msg("we put %(actor)s right again"), msg("we put it right again")),
        "note": Kind(msg("note on %(actor)s"), msg("note")),
    },
)
_CONTAINERS: Final = Source(
    glyph="▣",
    kinds={
        "started": Kind(msg("%(actor)s started"), msg("a container started")),
        "died": Kind(msg("%(actor)s ended"), msg("a container ended")),
        "paused": Kind(msg("%(actor)s stands still"), msg("a container stands still")),
        "unpaused": Kind(msg("%(actor)s goes on"), msg("a container goes on")),
        "out-of-memory": Kind(msg("%(actor)s ran out of memory"), msg("a container ran out of memory")),
    },
)
_UNKNOWN: Final = Source(kinds={})
FAULTS: Final[dict[str, Text]] = {
    "kill": msg("we killed %(actor)s (SIGKILL)"),
    "stop": msg("we stopped %(actor)s (SIGTERM)"),
    "pause": msg("we paused %(actor)s"),
    "restart": msg("we restarted %(actor)s"),
    "crash": msg("we made the process of %(actor)s crash"),
    "recreate": msg("we removed %(actor)s"),
    "remove": msg("we stopped and removed %(actor)s"),
    "disconnect": msg("we cut %(actor)s off the network"),
    "start": msg("we started %(actor)s"),
    "scale": msg("we changed the number of replicas of %(actor)s"),
}
HEALED: Final[dict[str, Text]] = {
    "kill": msg("we started %(actor)s again"),
    "stop": msg("we started %(actor)s again"),
    "pause": msg("we let %(actor)s go on"),
    "restart": msg("we started %(actor)s again"),
    "crash": msg("we saw to it that %(actor)s runs"),
    "recreate": msg("we made %(actor)s anew"),
    "remove": msg("we made %(actor)s anew"),
    "start": msg("we started %(actor)s"),
    "scale": msg("we changed the number of replicas of %(actor)s back"),
    "disconnect": msg("we connected %(actor)s again"),
}
_NOISE: Final = frozenset({"action"})
_AS_IT_IS: Final = frozenset({"container", "text", "message", "error"})


class Row(NamedTuple):
    """One line: `at` seconds, `times` events in it (until `until`), `details` short words, `fault` for our own acts."""

    at: float
    until: float
    source: str
    glyph: str
    what: str
    subject: str
    details: tuple[str, ...]
    times: int = 1
    fault: bool = False


def rows(events: Sequence[Event], began: float, words: Words, budget: int = limits.TIMELINES) -> tuple[Row, ...]:
    """Return the timeline of `events` with times relative to `began`.

    What the grader did parts the timeline; between two such landmarks many events of the same kind become one row.
    At most `limits.ROWS` are kept, the first and the last ones and every landmark, fewer if they take more than
    `budget` bytes of the page.
    """
    result: list[Row] = []
    part: list[Event] = []
    for event in sorted(events, key=lambda e: e.at):
        if event.source == "grader":
            result += _part(part, began, words)
            part = []
            result.append(_row([event], began, words))
        else:
            part.append(event)
    result += _part(part, began, words)
    needed = sum(limits.ROW_MARKUP + _cost(row) for row in result) // max(1, len(result))
    return _capped(result, words, max(3, min(limits.ROWS, budget // max(1, needed))))


def _part(events: list[Event], began: float, words: Words) -> list[Row]:
    groups: dict[tuple[str, ...], list[Event]] = {}
    for number, event in enumerate(events):
        alone = (str(number),) if len(events) <= limits.PART else ()
        key = (event.source, event.kind, event.actor, *_details(event, words), *alone)
        groups.setdefault(key, []).append(event)
    return [_row(group, began, words) for group in groups.values()]


def _capped(result: list[Row], words: Words, most: int) -> tuple[Row, ...]:
    if len(result) <= most:
        return tuple(result)
    edge = most // 3
    middle = [r for r in result[edge:-edge] if r.fault][:edge]
    left_out = sum(r.times for r in result[edge:-edge]) - len(middle)
    gap = Row(
        at=result[edge].at,
        until=result[-edge - 1].at,
        source="",
        glyph="⋯",
        what=words(msg("%(count)s more events are left out here", count=left_out)),
        subject="",
        details=(),
    )
    return (*result[:edge], gap, *middle, *result[-edge:])


def _cost(row: Row) -> int:
    return sum(fitting.cost(text) for text in (row.what, row.subject, *row.details))


def _row(group: list[Event], began: float, words: Words) -> Row:
    first, last = group[0], group[-1]
    row = Row(
        at=first.at - began,
        until=last.at - began,
        source=untrusted.one_line(first.source, limit=limits.SOURCE),
        glyph=source_of(first.source).glyph,
        what=_what(first, words),
        subject=_subjects([e.subject for e in group if e.subject]),
        details=_details(first, words)[: limits.DETAILS],
        times=len(group),
        fault=first.source == "grader" and first.kind != "note",
    )
    if _cost(row) <= limits.ROW_TEXT:
        return row
    each = limits.ROW_TEXT // (2 + len(row.details))
    return row._replace(
        what=fitting.cut(row.what, each),
        subject=fitting.cut(row.subject, each),
        details=tuple(fitting.cut(d, each) for d in row.details),
    )


def _what(event: Event, words: Words) -> str:
    action = str(event.data.get("action", "")).partition(" ")[0]  # "scale to 5"
    text = {"fault": FAULTS, "healed": HEALED}.get(event.kind, {}).get(action)
    if event.actor and text:
        return words(_with_actor(text, event.actor))
    if kind := source_of(event.source).kinds.get(event.kind):
        return words(_with_actor(kind.of, event.actor) if event.actor else kind.alone)
    return untrusted.one_line(f"{event.actor} {event.kind}".strip(), limit=limits.ID)


def _with_actor(text: Text, actor: str) -> Text:
    return Text(text.msgid, {"actor": untrusted.one_line(actor, limit=limits.LABEL)})


def _subjects(subjects: list[str]) -> str:
    distinct = [untrusted.one_line(s, limit=limits.SUBJECT) for s in dict.fromkeys(subjects)]
    if len(distinct) > 3:
        distinct = [*distinct[:2], "…", distinct[-1]]
    return ", ".join(distinct)


def _details(event: Event, words: Words) -> tuple[str, ...]:
    source = source_of(event.source)
    keys = [key for key in source.details if key in event.data]
    keys += [key for key in event.data if key not in {*keys, *source.hidden, *_NOISE}]
    parts = [_detail(source, key, event.data[key], words) for key in keys]
    return tuple(untrusted.one_line(p, limit=limits.ID) for p in parts if p)


def _detail(source: Source, key: str, value: Any, words: Words) -> str:
    match key, value:
        case (_, None | "" | []):
            return ""
        case (_, _) if key in source.details:
            said = source.details[key](value)
            return words(said) if isinstance(said, Text) else said
        case ("exit_code", int()):
            return words(msg("exit code %(code)s", code=value))
        case (_, _) if key in _AS_IT_IS:
            return str(value)
    return f"{key}={value}"


def source_of(name: str) -> Source:
    """Return how the events of a source are drawn."""
    return {"grader": _OURS, "docker": _CONTAINERS}.get(name) or brokers.sources().get(name, _UNKNOWN)
