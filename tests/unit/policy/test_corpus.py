"""Whole projects, class by class: see tests/corpus/compose/README.md."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from grader import catalogue
from grader.errors import SubmissionRefusedError
from grader.model.workspace import Workspace
from grader.policy import judge

if TYPE_CHECKING:
    from grader.model.findings import Finding

CORPUS = Path(__file__).parents[2] / "corpus" / "compose"


def cases(kind: str) -> list[Any]:
    """Return (what is there, what is expected) of every entry."""
    return [
        pytest.param(case, id=f"{file.stem}:{name}")
        for file in sorted((CORPUS / kind).glob("*.yaml"))
        for name, case in yaml.safe_load(file.read_text("utf-8")).items()
    ]


def judged(root: Path, case: dict[str, Any]) -> tuple[dict[str, Any] | None, tuple[Finding, ...]]:
    """Return the model that would run, None if it is refused, and the findings."""
    files = dict(case.get("files", {}))
    if "compose" in case:
        files["compose.yaml"] = case["compose"]
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    began = time.process_time()
    try:
        plan = judge(Workspace(root=str(root), name="x"), None, catalogue.load())
    except SubmissionRefusedError as refused:
        return None, refused.findings
    finally:
        assert time.process_time() - began < 2
    return plan.compose, plan.findings


def fact(model: Any, path: str) -> Any:
    """Return what stands at a dotted path, None if nothing does."""
    for part in path.split("."):
        if not isinstance(model, dict) or part not in model:
            return None
        model = model[part]
    return model


@pytest.mark.parametrize("case", cases("hostile"))
def test_a_hostile_project_is_refused_or_disarmed(tmp_path: Path, case: dict[str, Any]) -> None:
    """As its description says, for every case of the corpus."""
    model, findings = judged(tmp_path, case)
    errors = [f for f in findings if f.severity == "error"]
    assert {f.code for f in errors} >= set(case.get("errors", []))
    assert all(f.code and f.file and str(f.message) for f in errors)
    if "at" in case:
        assert case["at"] in {f"{f.file}:{f.line}" for f in errors}
    if "facts" in case:
        assert {path: fact(model, path) for path in case["facts"]} == case["facts"]
    assert bool(errors) == bool(case.get("errors")) == (model is None)


@pytest.mark.parametrize("case", cases("legitimate"))
def test_a_project_of_a_real_student_is_accepted(tmp_path: Path, case: dict[str, Any]) -> None:
    """With the facts that its description states."""
    model, findings = judged(tmp_path, case)
    assert [f for f in findings if f.severity == "error"] == []
    assert {f.code for f in findings if f.severity == "warning"} <= set(case.get("warnings", []))
    assert {path: fact(model, path) for path in case.get("facts", {})} == case.get("facts", {})


@pytest.mark.parametrize("case", [*cases("hostile"), *cases("legitimate")])
def test_every_finding_says_how_to_mend_it(tmp_path: Path, case: dict[str, Any]) -> None:
    """None is left without a remedy."""
    _, findings = judged(tmp_path, case)
    assert [f.code for f in findings if f.remedy is None] == []
