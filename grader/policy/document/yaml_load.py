"""Bounded YAML loading: one document, no surprises, a line for every node.

Works on the parser's events, not on PyYAML's constructors: those recurse with the depth of the file, keep the last of
duplicate keys, follow YAML 1.1 and build objects for tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from grader.model.text import Text, msg
from grader.policy.document.nodes import Entry, Mapping, Node, Scalar, Sequence
from grader.policy.document.yaml_scalars import resolve

MAX_BYTES = 256 * 1024
MAX_DEPTH = 50
MAX_NODES = 20_000  # after aliases are expanded
LONG_TEXT = 256  # so many characters more count as one value more: an alias repeats them for nothing
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_EXPLANATIONS = (  # words of the parser -> what a student did
    (
        ("mapping values are not allowed",),
        msg("A colon stands where none may: look at the indentation and for missing quotes (%(problem)s)."),
    ),
    (("',' or ']'", "',' or '}'", "flow"), msg("A list or mapping in brackets is not closed (%(problem)s).")),
    (("block", "expected key", "expected '-'"), msg("The indentation does not fit the lines above (%(problem)s).")),
    (("alias",), msg("An alias (*name) has no anchor (&name) above it (%(problem)s).")),
    (("quoted scalar", "end of stream"), msg("A quoted text is not closed (%(problem)s).")),
)


class YamlError(Exception):
    """The file cannot be taken: a stable code, the line (from 1), what is wrong."""

    def __init__(self, code: str, line: int, message: Text) -> None:
        super().__init__(code)
        self.code = code
        self.line = line
        self.message = message


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read yet."""

    mapping: bool
    line: int
    anchor: str | None
    children: list[tuple[Node, int]] = field(default_factory=list)  # for a mapping: key, value, key, value
    merges: list[int] = field(default_factory=list)  # positions of `<<` keys
    size: int = 1
    height: int = 0


def load(data: bytes) -> Node:
    """Return the single document in `data` (an empty file is null). Raises YamlError."""
    if len(data) > MAX_BYTES:
        raise YamlError("file-too-large", 0, msg("The file is larger than %(limit)d KiB.", limit=MAX_BYTES >> 10))
    try:
        # a shell of Windows writes UTF-16 with its mark, which Compose reads as well
        text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlError("not-utf8", line, msg("The file is not text in UTF-8.")) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return _Builder().run(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line + 1, text.count("\n") + 1) if mark else 0
        raise YamlError("yaml-syntax", line, _explain(error, text, line)) from None
    except yaml.YAMLError as error:  # characters that YAML does not allow
        raise YamlError(
            "yaml-syntax",
            _line_of_reader_error(error, text),
            msg("The file holds a character that YAML does not allow."),
        ) from None


def _line_of_reader_error(error: yaml.YAMLError, text: str) -> int:
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position if isinstance(position, int) else 0) + 1


def _explain(error: yaml.MarkedYAMLError, text: str, line: int) -> Text:
    """Say in a student's words what the parser stumbled over; its own words follow."""
    problem = str(error.problem or "?").strip()
    around = text.split("\n")[max(0, line - 2) : line]
    if any("\t" in x[: len(x) - len(x.lstrip())] for x in around):
        return msg("YAML is indented with spaces only, and there is a tab here (%(problem)s).", problem=problem)
    for words, explanation in _EXPLANATIONS:
        if any(w in problem for w in words):
            return msg(explanation.msgid, problem=problem)
    return msg("This is not YAML that can be read: %(problem)s.", problem=problem)


class _Builder:
    """Builds the tree from events without recursion, so that depth is a number and not a crash."""

    def __init__(self) -> None:
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.pending: set[str] = set()
        self.result: Node = Scalar(None, 1)
        self.nodes = 0
        self.documents = 0

    def run(self, text: str) -> Node:
        """Read all events of `text`."""
        for event in yaml.parse(text, Loader=_LOADER):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise YamlError(
                        "several-documents", line, msg("The file holds several YAML documents (a second ---).")
                    )
            elif isinstance(event, yaml.ScalarEvent):
                size = 1 + len(event.value) // LONG_TEXT
                self._done(self._scalar(event, line), line, event.anchor, size, 0)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(str(event.anchor), line)
            elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                self._begin(event, line)
            elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                self._end()
        return self.result

    def _begin(self, event: Any, line: int) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in {None, _CORE + ("map" if mapping else "seq")}:
            raise _tag(event.tag, line)
        if len(self.stack) >= MAX_DEPTH:
            raise _too_deep(line)
        if event.anchor:
            self.anchors.pop(event.anchor, None)
            self.pending.add(event.anchor)
        self.stack.append(_Open(mapping, line, event.anchor))

    def _end(self) -> None:
        opened = self.stack.pop()
        if opened.mapping:
            node: Node = _mapping(opened)
        else:
            node = Sequence(tuple(n for n, _ in opened.children), opened.line)
        self._done(node, opened.line, opened.anchor, opened.size, opened.height + 1)

    def _alias(self, anchor: str, line: int) -> None:
        if anchor in self.pending:
            raise YamlError("yaml-alias-loop", line, msg("The alias *%(name)s contains itself.", name=anchor[:80]))
        if anchor not in self.anchors:
            raise YamlError("yaml-syntax", line, msg("The alias *%(name)s has no anchor above it.", name=anchor[:80]))
        node, size, height = self.anchors[anchor]
        if len(self.stack) + height > MAX_DEPTH:
            raise _too_deep(line)
        self._done(node, line, None, size, height)

    def _done(self, node: Node, line: int, anchor: str | None, size: int, height: int) -> None:
        """Hand a finished node to what contains it; sizes count aliases as if they were written out."""
        if not self.stack:
            self.result = node
        else:
            parent = self.stack[-1]
            parent.children.append((node, line))
            parent.size += size
            parent.height = max(parent.height, height)
            if parent.size > MAX_NODES:
                raise YamlError(
                    "yaml-too-large",
                    line,
                    msg("The file has more than %(limit)d values once its aliases are expanded.", limit=MAX_NODES),
                )
        if anchor:
            self.pending.discard(anchor)
            self.anchors[anchor] = (node, size, height)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Scalar:
        plain, quoted = event.implicit
        if plain and event.tag is None:
            if event.value == "<<" and self._key_is_next():
                self.stack[-1].merges.append(len(self.stack[-1].children))
            return Scalar(resolve(event.value), line)
        if (event.tag is None and quoted) or event.tag in {"!", _CORE + "str"}:
            return Scalar(event.value, line)
        value = resolve(event.value)
        if event.tag == _CORE + _type_name(value):
            return Scalar(value, line)
        raise _tag(str(event.tag), line)

    def _key_is_next(self) -> bool:
        return bool(self.stack) and self.stack[-1].mapping and len(self.stack[-1].children) % 2 == 0


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    return {bool: "bool", int: "int", float: "float"}.get(type(value), "str")


def _tag(tag: str, line: int) -> YamlError:
    shown = tag.replace(_CORE, "!!")[:80]
    return YamlError("yaml-tag", line, msg("The tag %(tag)s is not allowed: write plain YAML.", tag=shown))


def _too_deep(line: int) -> YamlError:
    return YamlError("yaml-too-deep", line, msg("Values are nested more than %(limit)d deep.", limit=MAX_DEPTH))


def _mapping(opened: _Open) -> Mapping:
    entries: dict[str, Entry] = {}
    merged: list[Mapping] = []
    for i in range(0, len(opened.children), 2):
        (key, line), (value, _) = opened.children[i], opened.children[i + 1]
        if i in opened.merges:
            if merged:
                raise _duplicate("<<", line)
            merged = _merge_sources(value, line)
            continue
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            raise YamlError("yaml-key", line, msg("A key must be text; put it in quotes."))
        if key.value in entries:
            raise _duplicate(key.value, line)
        entries[key.value] = Entry(value, line)
    for source in merged:
        for name, entry in source.entries.items():
            entries.setdefault(name, entry)
    return Mapping(entries, opened.line)


def _duplicate(key: str, line: int) -> YamlError:
    return YamlError("yaml-duplicate-key", line, msg("The key %(key)s stands here for the second time.", key=key[:80]))


def _merge_sources(value: Node, line: int) -> list[Mapping]:
    sources = value.items if isinstance(value, Sequence) else (value,)
    found = [s for s in sources if isinstance(s, Mapping)]
    if len(found) != len(sources):
        raise YamlError("yaml-merge", line, msg("<<: takes a mapping or a list of mappings."))
    return found
