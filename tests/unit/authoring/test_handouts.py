"""The handout says what assignment.yaml says: names, bounds, services and limits, in both of its languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from grader import assignments
from grader.model.assignment import TERMS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3] / "assignments"


def halves(name: str) -> tuple[str, str]:
    """Return the Spanish and the English part of a handout, each as one line."""
    text = (ROOT / name / "README.md").read_text("utf-8")
    spanish, title, english = text.partition(f"\n# {assignments.load(name).title.en}\n")
    assert title
    return " ".join(spanish.split()), " ".join(english.split())


def terms() -> Iterator[Any]:
    for name in assignments.names():
        contract = yaml.safe_load((ROOT / name / "assignment.yaml").read_text("utf-8"))["contract"]
        for term, value in contract.items():
            yield pytest.param(name, term, value, id=f"{name}-{term}")


def said(term: str, value: object) -> str:
    """Return how a handout writes a term of the contract, as a pattern."""
    if isinstance(value, str):
        return rf"`{re.escape(value)}"
    if term.endswith("_s"):
        return rf"\b{value:g} s\b"
    return rf"\b{value}\b"


@pytest.mark.parametrize(("name", "term", "value"), list(terms()))
def test_each_term_of_the_contract_is_said(name: str, term: str, value: object) -> None:
    """A name in code, a bound with its unit."""
    for half in halves(name):
        assert re.search(said(term, value), half), f"{term}: {value}"


@pytest.mark.parametrize("name", assignments.names())
def test_services_and_limits_are_said(name: str) -> None:
    """Each service by name, with port, replicas and credentials; what a container may use; when all must be ready."""
    assignment = assignments.load(name)
    for half in halves(name):
        for service in assignment.services:
            assert f"`{service.name}`" in half
            assert not service.port or re.search(rf"\b{service.port}\b", half), service.name
            for term in TERMS:
                assert not (value := getattr(service, term)) or re.search(said(term, value), half), (service.name, term)
            assert service.replicas == 1 or re.search(rf"\b{service.replicas}\b", half), service.name
        memory = assignment.limits.memory_mib
        assert f"{memory} MiB" in half or f"{memory / 1024:g} GiB" in half
        assert f"{assignment.limits.ready_s:g} s" in half
