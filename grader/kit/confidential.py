"""What students may not have: hidden checks, reference solutions and mutants, and the words that only these say."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import yaml

from grader.brokers.reasons import reasons_for
from grader.errors import UsageError
from grader.model.text import msg
from grader.verify import subjects

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from grader.model.assignment import Assignment

PROGRAMS = frozenset(
    {".c", ".cjs", ".clj", ".cpp", ".cs", ".ex", ".go", ".java", ".js", ".jsx", ".kt", ".mjs", ".php", ".pl", ".py"}
    | {".rb", ".rs", ".scala", ".sh", ".swift", ".ts", ".tsx"}
)
LONG_TEXT = 20
_SPACE = re.compile(r"\s+")


class Needle(msgspec.Struct, frozen=True):
    """Words that only a hidden check says. word: a name or code, to be found as a whole word and also in prose."""

    text: str
    source: str
    word: bool


class Confidential(msgspec.Struct, frozen=True):
    """files: where it lies (as the instructor sees it) → content. shared: files of references, by path in them.

    hidden: which of the files are hidden checks.
    """

    files: dict[str, bytes]
    hidden: frozenset[str]
    shared: dict[str, frozenset[bytes]]
    needles: tuple[Needle, ...]


def gather(assignment: Assignment) -> Confidential:
    """Read all of it that lies with the assignment, as a repository or an instructor's pack has it; maybe nothing.

    Of mutants and right alternatives each file that differs from a reference is compared as a whole.
    """
    directory = Path(assignment.directory)
    root = directory.parent.parent
    hidden = list(_below(directory / "hidden"))
    references = root / "reference_solutions" / assignment.id
    files = {_shown(p, root): p.read_bytes() for p in (*hidden, *_below(references))}
    declared = subjects.declarations(assignment)
    for path in [declared] if declared.is_file() else []:
        files[_shown(path, root)] = path.read_bytes()
    for each in subjects.derived(assignment):
        folder = _shown(declared.parent / each.name, root)
        files |= {f"{folder}/{name}": content for name, content in each.contents().items()}
    shared: dict[str, set[bytes]] = {}
    for path in _below(references):
        shared.setdefault(Path(*path.relative_to(references).parts[1:]).as_posix(), set()).add(path.read_bytes())
    public = [directory / name for name in ("conftest.py", "subject.py", "reasons.yaml")] + _below(directory / "public")
    given = {code for check in assignment.checks for code in check.fails_on}
    return Confidential(
        files=files,
        hidden=frozenset(_shown(p, root) for p in hidden),
        shared={name: frozenset(contents) for name, contents in shared.items()},
        needles=tuple(_needles(root, hidden, public, given, reasons_for(directory))),
    )


def flat(text: str) -> str:
    """Return the text with every run of white space as one blank."""
    return _SPACE.sub(" ", text).strip()


def _needles(
    root: Path, hidden: Iterable[Path], public: Iterable[Path], given: set[str], codes: Container[str]
) -> list[Needle]:
    said = {text for path in public for text in _said(path)}
    found: dict[str, Needle] = {}
    for path in hidden:
        tree, source = _tree(path), _shown(path, root)
        requirements = {flat(part) for node in _tests(tree) for part in (ast.get_docstring(node) or "").split("\n\n")}
        for name in (node.name for node in _tests(tree)):
            found.setdefault(name, Needle(name, source, word=True))
        for text in (requirements | (_said(path) - said)) - given:
            code = text in codes and "-" in text  # a code of one word is an ordinary word
            if code or len(text) >= LONG_TEXT:
                found.setdefault(text, Needle(text, source, word=code))
    return list(found.values())


def _said(path: Path) -> set[str]:
    """Return every text in a file of Python or of reasons; the codes of reasons too."""
    if path.suffix == ".py":
        return _strings(_tree(path))
    if path.name == "reasons.yaml" and path.is_file():
        return set(_texts(yaml.load(path.read_bytes(), Loader=yaml.SafeLoader)))
    return set()


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield flat(node)
    for value in [*node, *node.values()] if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _texts(value)


def _strings(tree: ast.Module) -> set[str]:
    """Return every text in a module's code, docstrings paragraph by paragraph; of "code/word" the code too."""
    values = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    parts = {flat(part) for value in values for part in value.split("\n\n")}
    return parts | {part.partition("/")[0] for part in parts}


def _tests(tree: ast.Module) -> list[ast.FunctionDef]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]


def _tree(path: Path) -> ast.Module:
    if path.suffix != ".py" or not path.is_file():
        return ast.Module([], [])
    try:
        return ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise UsageError(
            msg(
                "%(file)s, line %(line)s: this is not valid Python: %(error)s",
                file=str(path),
                line=line,
                error=str(error),
            )
        ) from error


def _below(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
