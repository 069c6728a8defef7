"""What `grader inspect --json` prints: findings that say how to mend them, and what would run and be built."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grader import catalogue
from grader.inspection import verdict
from grader.model.findings import Finding
from grader.model.remedies import REMEDIES
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# Calls that make a finding -> where their code and their remedy stand among the arguments.
MAKERS = {
    "error": (0, 2), "warn": (0, 2), "notice": (0, 2), "refused": (0, 2), "refused_if_true": (0, 2),
    "refused_unless": (1, 3), "refuse": (0, 3), "add": (1, 4),
}  # fmt: skip
IN_INTAKE = {"error": (0, 3), "notice": (0, 3), "refuse": (0, 3)}
# Codes that stand in tables or are put together, so that no such call has them.
ELSEWHERE = (
    "attribute-limited", "version-obsolete", "models", "extends-missing", "include-missing", "findings-left-out",
)  # fmt: skip
# Errors that carry a code and are turned into findings elsewhere; those never have a remedy of their own.
CARRIERS = ("YamlError", "DockerfileError", "InterpolationError", "_LineError")


def inspected(root: Path, files: dict[str, str], lang: str = "en") -> dict[str, Any]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return verdict(root, None, catalogue.load(), lang=lang)


def test_what_would_be_built_stands_beside_what_would_run(tmp_path: Path) -> None:
    """Context, file, stage and arguments of each build, at the service that it is for."""
    found = inspected(
        tmp_path,
        {
            "compose.yaml": """
services:
  api:
    build: {context: ./app, dockerfile: ../docker/api.Dockerfile, target: run, args: {PRICE: "5$$", V: 1}}
    image: mine
  worker: {image: mine}
  plain: {build: .}
  inline: {build: {dockerfile_inline: "FROM node:20-alpine"}}
  redis: {image: redis:7}
""",
            "docker/api.Dockerfile": "ARG V\nFROM node:20-alpine AS base\nFROM base AS run\nCOPY --from=base /a /b\n",
            "Dockerfile": "FROM python:3.13-slim\nCOPY --from=node:22 /x /x\n",
            "app/x": "",
        },
    )
    services = found["effective"]["services"]
    assert services["api"]["image"] == services["worker"]["image"] == "build:api"
    assert services["api"]["build"] == {
        "context": "app",
        "dockerfile": "docker/api.Dockerfile",
        "target": "run",
        "args": {"PRICE": "5$$", "V": "1"},
        "images": ["node:20-alpine"],
    }
    assert services["plain"]["build"] == {
        "context": ".",
        "dockerfile": "Dockerfile",
        "target": "",
        "args": {},
        "images": ["python:3.13-slim", "node:22"],
    }
    assert services["inline"]["build"]["dockerfile"] == "compose.yaml"
    assert "build" not in services["worker"]
    assert "build" not in services["redis"]


@pytest.mark.parametrize(("lang", "said"), [("en", "Remove it from args:."), ("es", "Quítalo de args:.")])
def test_a_finding_says_how_to_mend_it_in_both_languages(tmp_path: Path, lang: str, said: str) -> None:
    """Also where the rule that found it only says what is wrong."""
    compose = "services: {api: {build: {context: ., args: {HTTP_PROXY: http://x}}}}"
    found = inspected(tmp_path, {"compose.yaml": compose, "Dockerfile": "FROM node:20-alpine\n"}, lang)
    assert [(f["code"], f["remedy"]) for f in found["findings"]] == [("build-arg", said)]


def test_a_remedy_of_its_own_comes_first() -> None:
    """What the place that found it says is nearer than what is true of every such finding."""
    own = msg("Write it like 0444.")
    assert Finding(code="attribute-value", severity="error", message=msg("x"), remedy=own).remedy == own


@pytest.mark.parametrize("code", sorted(REMEDIES))
def test_a_code_has_a_remedy(code: str) -> None:
    """A finding without one of its own has that of its code."""
    assert Finding(code=code, severity="error", message=msg("x")).remedy == REMEDIES[code]


def test_no_finding_is_made_without_a_remedy() -> None:
    """Whoever makes a finding says how to mend it, always, or the table does for its code."""
    silent = {code for code, sure in _made() if not sure}
    assert len(silent) > 50
    assert silent - set(REMEDIES) == set()


def test_the_table_holds_no_code_that_nobody_says() -> None:
    """A remedy for a code that has gone would mislead."""
    assert set(REMEDIES) - {code for code, _ in _made()} == set()


def _made() -> Iterator[tuple[str, bool]]:
    """Give each code that the source makes findings of, and whether that place surely says how to mend it."""
    for path in sorted((ROOT / "grader").rglob("*.py")):
        makers = MAKERS | (IN_INTAKE if "intake" in path.parts else {})
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield from _of_call(node, makers)
    yield from ((code, False) for code in ELSEWHERE)


def _of_call(node: ast.Call, makers: dict[str, tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    keywords = {k.arg: k.value for k in node.keywords}
    if name == "Finding" and "code" in keywords:
        yield from ((code, "remedy" in keywords) for code in _codes(keywords["code"]))
    elif name in CARRIERS:
        yield from ((code, False) for code in _codes(node.args[0]))
    elif name in makers:
        code_at, remedy_at = makers[name]
        if name == "add" and len(node.args) == 4 and _sure(node.args[2]):  # of a scope, which is the place itself
            remedy_at = 3
        if len(node.args) > code_at:
            given = node.args[remedy_at] if len(node.args) > remedy_at else keywords.get("remedy")
            yield from ((code, given is not None and _sure(given)) for code in _codes(node.args[code_at]))


def _codes(node: ast.expr) -> list[str]:
    """Return a code that stands there as it is; names and texts made up are listed by hand."""
    words = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value
    return [words] if isinstance(words, str) and words.replace("-", "").replace("8", "").isalpha() else []


def _sure(node: ast.expr) -> bool:
    """Say whether an expression is a text whatever happens."""
    if isinstance(node, ast.IfExp):
        return _sure(node.body) and _sure(node.orelse)
    if isinstance(node, ast.BoolOp):
        return _sure(node.values[-1])
    if isinstance(node, ast.Name):
        return node.id.isupper()
    return isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute)
