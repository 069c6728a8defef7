"""A small submission on disk, judged with a catalogue of a few names."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from grader.errors import SubmissionRefusedError
from grader.model.assignment import Assignment, ContractService
from grader.model.text import Bilingual
from grader.model.workspace import Workspace
from grader.policy import judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model.findings import Finding
    from grader.model.plan import StackPlan

DOCKERFILE = 'FROM node:20-alpine\nWORKDIR /app\nCOPY . .\nCMD ["node", "app.js"]\n'
RABBIT = "rabbitmq:3-management"


class SmallCatalogue:
    """Four names; the nearest one is by the first letters."""

    names = (RABBIT, "node:20-alpine", "node:22-slim", "python:3.13-slim")

    def find(self, name: str) -> object | None:
        return name if name in self.names else None

    def nearest(self, name: str) -> str | None:
        return next((n for n in self.names if n[:4] == name[:4]), None)


TASK_QUEUE = Assignment(
    id="task-queue",
    title=Bilingual(es="Cola", en="Queue"),
    services=(
        ContractService(name="rabbitmq", role="rabbitmq", port=5672, images=("rabbitmq",)),
        ContractService(name="api", role="http", port=3000),
        ContractService(name="worker", role="worker", replicas=3),
    ),
    checks=(),
)


class Submission:
    """A folder under construction."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("Dockerfile", DOCKERFILE)

    def write(self, name: str, text: str | bytes, mode: int = 0o644) -> Submission:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        path.chmod(mode)
        return self

    def compose(self, text: str | bytes) -> Submission:
        return self.write("compose.yaml", text)

    def service(self, attributes: str, extra: str = "") -> Submission:
        """One service `app` with these attributes besides its image."""
        body = textwrap.indent(textwrap.dedent(attributes), "    ")
        return self.compose(f"services:\n  app:\n    image: node:20-alpine\n{body}\n{textwrap.dedent(extra)}")

    def dockerfile(self, text: str) -> Submission:
        self.write("Dockerfile", text)
        return self.compose("services:\n  app:\n    build: .\n")

    def task_queue(self, rabbit: str = "", api: str = "", worker: str = "", extra: str = "") -> Submission:
        """The three services of a contract, with further attributes; `extra` is appended under services."""

        def part(name: str, first: str, more: str) -> str:
            return f"  {name}:\n    {first}\n" + textwrap.indent(textwrap.dedent(more), "    ") + "\n"

        return self.compose(
            "services:\n"
            + part("rabbitmq", "" if "image:" in rabbit or "build:" in rabbit else f"image: {RABBIT}", rabbit)
            + part("api", "build: .", api)
            + part("worker", "build: .", worker)
            + textwrap.indent(textwrap.dedent(extra), "  ")
        )

    def plan(self, assignment: Assignment | None = None) -> StackPlan:
        workspace = Workspace(root=str(self.root), name="entrega")
        return judge(workspace, assignment, SmallCatalogue())

    def findings(self, assignment: Assignment | None = None) -> tuple[Finding, ...]:
        """Return all findings, whether or not the submission is refused."""
        try:
            return self.plan(assignment).findings
        except SubmissionRefusedError as refused:
            return refused.findings

    def errors(self, assignment: Assignment | None = None) -> dict[str, int]:
        """Return code -> line of what refuses the submission."""
        return {f.code: f.line for f in self.findings(assignment) if f.severity == "error"}

    def codes(self, assignment: Assignment | None = None) -> set[str]:
        return {f.code for f in self.findings(assignment)}

    def app(self) -> dict[str, object]:
        return self.plan().compose["services"]["app"]  # type: ignore[no-any-return]


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    root = tmp_path / "entrega de José"
    root.mkdir()
    return Submission(root)


@pytest.fixture
def new_submission(tmp_path: Path) -> Callable[[str], Submission]:
    def make(name: str) -> Submission:
        root = tmp_path / name
        root.mkdir()
        return Submission(root)

    return make
