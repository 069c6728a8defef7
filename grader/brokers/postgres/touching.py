"""What a statement touches: data that it reads or writes, or nothing but the server itself.

Pools, drivers and ORMs say much on their own account (is the connection alive, which types are there, give back what
the last user held): no list of texts knows them all. So a statement is judged by what it names. It touches nothing if
it controls the session, or reads no relation outside of the server's own catalogues and calls no function but those
that the server brought along. What cannot be parsed counts as a read, so that nothing hides behind a riddle.

The parser is slow to import: import this module where a log is read, not before.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from sqlglot import ErrorLevel, Token, TokenType, exp
from sqlglot.dialects.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from grader.model.stores import Effect

# Nobody's liveness check is longer. Brackets within brackets cost the parser time that grows with their power.
MAX_LENGTH = 20_000
MAX_PARENTHESES = 60
MAX_BRACKETS = 4


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CONTROL = _words("""
    begin start commit end rollback abort savepoint release set reset show discard prepare deallocate listen unlisten
    notify close checkpoint
""")
_WRITE = _words("""
    insert update delete merge truncate create alter drop grant revoke comment refresh reindex cluster vacuum reassign
    security import
""")
# What stands before a parenthesis and is no function: words of the grammar none of which can name one.
_GRAMMAR = _words("""
    all and any array as asc between bit both case cast char character check coalesce collate dec decimal desc distinct
    else except exists extract float for from greatest group grouping having ilike in intersect interval into join
    lateral leading least limit national nchar not null nullif numeric offset on only or order position row select some
    symmetric then time timestamp to trailing treat trim union unique using values varchar when where window with
    xmlconcat xmlelement xmlforest xmlparse xmlpi xmlroot xmlserialize
""")
# The same where the word before shows it; otherwise these may be functions.
_GRAMMAR_AFTER = {
    "over": {")"},
    "filter": {")"},
    "materialized": {"as", "not"},
    "sets": {"grouping"},
    "varying": {"bit", "char", "character", "nchar"},
}
# Built-in functions that read or write what their arguments name.
_REACHING = re.compile(
    r"(query|cursor|table|schema|database)_to_xml.*|ts_stat|ts_rewrite|nextval|setval|currval|lastval"
    r"|lo_.*|loread|lowrite|pg_read_.*|pg_ls_.*|pg_logical_.*|pg_sequence_.*|pg_file_.*|binary_upgrade_.*"
)
# Catalogues that hold the users' own data.
_HOLDING = frozenset({"pg_largeobject", "pg_statistic", "pg_stats", "pg_statistic_ext_data", "pg_stats_ext"})
_PREPARED = re.compile(r"prepare:\s*", re.IGNORECASE)

logging.getLogger("sqlglot").addHandler(logging.NullHandler())  # what it cannot parse is no news to our readers


class Catalogue(NamedTuple):
    """What the server brought along, and nobody has put a namesake beside: (schema, relation), and functions."""

    relations: frozenset[tuple[str, str]] = frozenset()
    functions: frozenset[str] = frozenset()

    def has_relation(self, schema: str, name: str) -> bool:
        """Say whether a relation is the server's own, and holds nothing of its users."""
        return (schema or "pg_catalog", name) in self.relations and name not in _HOLDING

    def has_function(self, schema: str, name: str) -> bool:
        """Say whether a function is the server's own, and reaches no data."""
        return schema in {"", "pg_catalog"} and name in self.functions and not _REACHING.fullmatch(name)


class _Tokenizer(Postgres.Tokenizer):
    """PostgreSQL's words; what follows EXECUTE, COPY or EXPLAIN is words as well, and no text of its own."""

    COMMANDS: ClassVar[set[TokenType]] = set()


class _Word(NamedTuple):
    """A token with its text as it was written; `word`: in lower case, unless it was quoted."""

    token: Token
    word: str


def effect_of(text: str, detail: str, own: Catalogue) -> Effect:
    """Return what a logged statement, or several in one text, do to data: a read before a write, "" for neither.

    `detail` is what the log adds: for EXECUTE the statement that was prepared.
    """
    try:
        effects = {_effect(text, part, detail, own) for part in _statements(text)}
    except Exception:  # whatever the parser does with a text that somebody has written for it
        return "read"
    return "read" if "read" in effects else "write" if "write" in effects else ""


def _statements(text: str) -> Iterator[list[_Word]]:
    """Yield the statements of a text, word by word, without comments. Raises what the parser does, and ValueError."""
    if len(text) > MAX_LENGTH:
        raise ValueError(len(text))
    part: list[_Word] = []
    depth = {"(": 0, "[": 0}
    for token in _Tokenizer().tokenize(text):
        written = text[token.start : token.end + 1]
        word = written[1:-1].replace('""', '"') if token.token_type == TokenType.IDENTIFIER else written.lower()
        if token.token_type == TokenType.SEMICOLON:
            if part:
                yield part
            part = []
            continue
        if written in {"(", "["}:
            depth[written] += 1
        elif written in {")", "]"}:
            depth["(" if written == ")" else "["] -= 1
        if depth["("] > MAX_PARENTHESES or depth["["] > MAX_BRACKETS:
            raise ValueError(depth)
        part.append(_Word(token, word))
    if part:
        yield part


def _effect(text: str, words: Sequence[_Word], detail: str, own: Catalogue) -> Effect:
    """Return what one statement does."""
    first = words[0].word if words else ""
    if first in _CONTROL:
        return ""
    if first in _WRITE:
        return "write"
    judge = _JUDGES.get(first)
    return judge(text, words, detail, own) if judge else "read"


def _query(text: str, words: Sequence[_Word], _detail: str, own: Catalogue) -> Effect:
    """Return what SELECT and its relatives do."""
    (tree,) = Postgres().parser(error_level=ErrorLevel.RAISE).parse(_parseable(words), text)
    if tree is None or tree.find(exp.Command):
        return "read"
    if tree.find(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into):
        return "write"
    if not all(_own_relation(table, own) for table in tree.find_all(exp.Table)):
        return "read"
    columns = {alias.name for alias in tree.find_all(exp.TableAlias) if alias.columns}
    return "" if all(_own_call(words, n, columns, own) for n in range(len(words) - 1)) else "read"


def _parseable(words: Sequence[_Word]) -> list[Token]:
    """Return the tokens without the `[]` of types: the parser takes it after those types only that it knows itself."""
    found: list[_Word] = []
    for each in words:
        if each.word == "]" and found[-1].word == "[" and found[-2].word != "array":
            found.pop()
        else:
            found.append(each)
    return [each.token for each in found]


def _own_relation(table: exp.Table, own: Catalogue) -> bool:
    """Say whether what stands in FROM is a catalogue, a name of WITH, or a function (judged as a call)."""
    if isinstance(table.this, exp.Func) or (table.this is None and table.args.get("rows_from")):
        return True
    if not isinstance(table.this, exp.Identifier):
        return False
    name, schema = _name(table.this), _name(table.args.get("db"))
    return (not schema and name in _with_names(table)) or own.has_relation(schema, name)


def _with_names(node: exp.Expr) -> set[str]:
    """Return the names of WITH that are visible at a node: within WITH those before it, or all if it is recursive."""
    found: set[str] = set()
    inner = node
    while (outer := inner.parent) is not None:
        clause = outer.args.get("with_")
        if isinstance(outer, exp.With):
            index = next(n for n, cte in enumerate(outer.expressions) if cte is inner)
            found |= {cte.alias for cte in outer.expressions[: None if outer.recursive else index]}
        elif clause is not None and clause is not inner:
            found |= {cte.alias for cte in clause.expressions}
        inner = outer
    return found


def _own_call(words: Sequence[_Word], n: int, columns: set[str], own: Catalogue) -> bool:
    """Say whether the word at `n` is no function called there, or one of the server's own.

    `columns`: names that are followed by their columns, as in `AS t(a, b)`.
    """
    token, word = words[n]
    quoted = token.token_type == TokenType.IDENTIFIER
    if words[n + 1].word != "(" or not (quoted or re.match(r"[^\W\d]", word)):
        return True
    before = words[n - 1].word if n else ""
    if before == ".":
        return n > 1 and own.has_function(words[n - 2].word, word)
    if not quoted and (word in _GRAMMAR or " " in word or before in _GRAMMAR_AFTER.get(word, ())):
        return True
    return own.has_function("", word) or word in columns


def _prepared(_text: str, words: Sequence[_Word], detail: str, own: Catalogue) -> Effect:
    """Return what EXECUTE does: what the log says was prepared under that name."""
    name = words[1].word
    told = _PREPARED.match(detail)
    text = detail[told.end() :] if told else ""
    found = [_after(s, "as") for s in _statements(text) if [w.word for w in s[:2]] == ["prepare", name]]
    return _effect(text, found[0], "", own) if len(found) == 1 else "read"


def _declared(text: str, words: Sequence[_Word], _detail: str, own: Catalogue) -> Effect:
    """Return what a cursor's query does."""
    return _effect(text, _after(words, "for"), "", own)


def _explained(text: str, words: Sequence[_Word], _detail: str, own: Catalogue) -> Effect:
    """Return what the explained statement does: it may have run."""
    rest = words[1:]
    if rest and rest[0].word == "(":
        rest = rest[_closing(rest) + 1 :]
    while rest and rest[0].word in {"analyze", "verbose"}:
        rest = rest[1:]
    return _effect(text, rest, "", own)


def _copied(text: str, words: Sequence[_Word], _detail: str, own: Catalogue) -> Effect:
    """Return what COPY does: it reads a query's result or a table (TO), or writes a table (FROM)."""
    if words[1].word == "(":
        return _effect(text, words[2 : 1 + _closing(words[1:])], "", own)
    return "write" if _after(words, "from") else "read"


def _after(words: Sequence[_Word], word: str) -> Sequence[_Word]:
    """Return what follows the first `word` that stands outside of parentheses; nothing without one."""
    depth = 0
    for n, each in enumerate(words):
        depth += {"(": 1, ")": -1}.get(each.word, 0)
        if each.word == word and not depth and each.token.token_type != TokenType.IDENTIFIER:
            return words[n + 1 :]
    return ()


def _closing(words: Sequence[_Word]) -> int:
    """Return where the parenthesis that begins `words` ends. Raises ValueError."""
    depth = 0
    for n, each in enumerate(words):
        depth += {"(": 1, ")": -1}.get(each.word, 0)
        if not depth:
            return n
    raise ValueError(depth)


def _name(identifier: object) -> str:
    """Return a name as the server compares it."""
    if not isinstance(identifier, exp.Identifier):
        return ""
    name: str = identifier.this
    return name if identifier.quoted else name.lower()


_JUDGES: dict[str, Callable[[str, Sequence[_Word], str, Catalogue], Effect]] = {
    "select": _query,
    "with": _query,
    "values": _query,
    "table": _query,
    "(": _query,
    "execute": _prepared,
    "declare": _declared,
    "explain": _explained,
    "copy": _copied,
}
