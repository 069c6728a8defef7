"""What the checks of an assignment say: every code has words, every word its facts, every import is of grader."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import grader
from grader import assignments
from grader.brokers.reasons import reasons_for
from grader.i18n import languages, render
from grader.model.text import Text

ROOT = Path(__file__).parents[3] / "assignments"
NAMES = assignments.names()
MISSING = {"ids", "n", "within"}
GIVEN = {
    "expect": MISSING, "forbid": {"ids", "n"}, "fail": set(), "failure": set(),
    "must_accept": {"answer"}, "expect_status": {"answer"}, "holder": MISSING, "expect_letters": {*MISSING, "queue"},
}  # fmt: skip
SAYING = GIVEN.keys()
FACT = re.compile(r"%\((\w+)\)")


class Said(NamedTuple):
    """A call that fails a check: where, its reason (None: a variable), the facts that its words may name."""

    where: str
    reason: str | None
    facts: frozenset[str]


def files(name: str) -> list[Path]:
    return [p for p in sorted((ROOT / name).rglob("*.py")) if "starter" not in p.parts]


def subjects(name: str) -> set[Path]:
    """Return where the Subjects of rooms lie that an assignment's own one is built on: they say codes for it."""
    tree = ast.parse((ROOT / name / "subject.py").read_text("utf-8"))
    bases = [b for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for b in node.bases]
    names = {ast.unparse(b).partition("[")[0] for b in bases}
    classes = {c for n in names if n.endswith("Subject") for c in getattr(grader, n).__mro__}
    return {Path(str(inspect.getsourcefile(c))) for c in classes if c.__module__.startswith("grader.brokers.")}


def calls(name: str) -> list[Said]:
    found = []
    for path in [*files(name), *sorted(subjects(name))]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAYING:
                facts = {k.arg: k.value for k in node.keywords if k.arg}
                said = facts.pop("otherwise", None) or (node.args[0] if node.args else None)
                reason = said.value if isinstance(said, ast.Constant) else None
                where = f"{path.relative_to(ROOT.parent)}:{node.lineno}"
                found.append(Said(where, reason, frozenset(facts) | GIVEN[node.func.attr]))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_each_reason_has_words_for_its_facts(name: str) -> None:
    """A code that a check names is known, has the words behind its slash, and these name only facts that are given."""
    reasons = reasons_for(ROOT / name)
    said = [s for s in calls(name) if s.reason is not None]
    assert said
    for where, reason, facts in said:
        assert reason is not None
        code, _, word = reason.partition("/")
        assert code in reasons, where
        assert word in reasons[code].said, f"{where}: {reason}"
        words = reasons[code].said[word]
        named = set(FACT.findall(words.expected.msgid + words.observed.msgid))
        assert named <= facts, f"{where}: {reason} names {sorted(named - facts)}"


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_name_the_same_facts(name: str) -> None:
    """The Spanish of each text of an assignment's reasons is there, and has the placeholders of the English."""
    folder = ROOT / name
    for code, reason in reasons_for(folder).items():
        texts = [
            reason.title,
            reason.why,
            reason.hint,
            *(t for s in reason.said.values() for t in (s.expected, s.observed)),
        ]
        for text in texts:
            spanish, english = (render(Text(text.msgid), lang, folder) for lang in languages)
            assert sorted(FACT.findall(spanish)) == sorted(FACT.findall(english)), f"{code}: {english}"


@pytest.mark.parametrize("name", NAMES)
def test_an_assignment_imports_from_grader_alone(name: str) -> None:
    """Whatever an author needs of the grader is in `grader` itself."""
    for path in files(name):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [m for m in modules if m.startswith("grader.")], f"{path}:{node.lineno}"
