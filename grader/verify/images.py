"""Which images an assignment's references and mutants run: what a set-up must have ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader import catalogue, policy, scratch
from grader.binding import GATEWAY_IMAGE
from grader.errors import SubmissionError
from grader.receiving import receive
from grader.verify.subjects import subjects

if TYPE_CHECKING:
    from grader.model.assignment import Assignment


def images_of(assignment: Assignment) -> tuple[str, ...]:
    """Return the catalogue names that the assignment's submissions use, and the gateway's."""
    found = [GATEWAY_IMAGE]
    known = catalogue.load()
    for subject in subjects(assignment):
        with scratch.folder("verify") as folder:
            subject.lay(folder / subject.name)
            try:
                workspace = receive(folder / subject.name, folder / "workspace")
                found += policy.judge(workspace, assignment, known).images
            except SubmissionError:
                continue  # a mutant whose files are refused needs no image
    return tuple(dict.fromkeys(found))
