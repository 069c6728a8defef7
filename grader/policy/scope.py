"""What a rule sees while it judges one value: the submission, the place, and where to say something about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from grader.brokers.registry import rooms
from grader.model.assignment import Assignment, ContractService, Limits
from grader.policy.collect import Collector, Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from grader.brokers.rules import Rules
    from grader.model.findings import Severity
    from grader.model.plan import Build, VolumeContent
    from grader.model.text import Text
    from grader.policy.document.nodes import Node


STEP = 1_000_000  # more than a file has lines


class Catalogue(Protocol):
    """The catalogue as far as policy needs it."""

    def find(self, name: str) -> object | None:
        """Return the entry for an image name, or None."""

    def nearest(self, name: str) -> str | None:
        """Return the catalogue's name nearest to `name`, or None."""


@dataclass(slots=True)
class Project:
    """One submission under judgement and what has been gathered for its plan."""

    root: Path
    file: str
    catalogue: Catalogue
    assignment: Assignment | None
    variables: Mapping[str, str]
    out: Collector
    service_names: frozenset[str] = frozenset()
    network_names: frozenset[str] = frozenset()
    volume_names: frozenset[str] = frozenset()
    built_images: dict[str, str] = field(default_factory=dict)  # the student's name for a built image -> service
    written: dict[str, Place] = field(default_factory=dict)  # an image's name -> where it is named first
    builds: list[Build] = field(default_factory=list)
    volume_contents: list[VolumeContent] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)  # name of an emitted config -> its content
    file_sources: dict[str, str] = field(default_factory=dict)  # path in the submission -> name of its config
    named_files: dict[str, str] = field(default_factory=dict)  # "configs:x", "secrets:x" -> name of an emitted config
    bound_volumes: dict[str, str] = field(default_factory=dict)  # volume -> the folder of the submission that it is
    programs: set[str] = field(default_factory=set)  # configs whose files may be executed
    used_volumes: set[str] = field(default_factory=set)
    env_files: list[str] = field(default_factory=list)  # paths in the submission
    left_behind: frozenset[str] = frozenset()  # folders that intake left empty, and has said so
    further_files: list[str] = field(default_factory=list)  # compose files that are extended or included
    expanded: int = 0  # characters that replacing variables has made
    content: int = 0  # characters of files read for environments and contents

    @staticmethod
    def line_offset(number: int) -> int:
        """Return what is added to every line of the `number`-th further file (from 1): `place` tells the file by it."""
        return number * STEP

    def place(self, line: int, path: str) -> Place:
        """Return file and line of a line in the model, where values of several files have met (see `line_offset`)."""
        number, line = divmod(line, STEP)
        return Place(self.further_files[number - 1] if number else self.file, line, path)

    @property
    def limits(self) -> Limits:
        """What one container may use."""
        return self.assignment.limits if self.assignment else Limits()

    @property
    def public_images(self) -> bool:
        """Whether images outside of the catalogue are accepted."""
        return self.assignment is None or self.assignment.images == "public"


@dataclass(slots=True, frozen=True)
class Scope:
    """A place in the compose model: rules judge the value that stands there."""

    project: Project
    path: str
    line: int
    service: str = ""
    sink: Collector | None = None  # findings of a service that may yet be left out are kept apart
    file: str = ""

    def at(self, name: str | int, line: int = 0) -> Scope:
        """Return the scope of a child."""
        path = f"{self.path}.{name}" if self.path else str(name)
        return Scope(self.project, path[:300], line or self.line, self.service, self.sink, self.file)

    def on(self, node: Node) -> Scope:
        """Return this scope with the line of `node`."""
        return Scope(self.project, self.path, node.line or self.line, self.service, self.sink, self.file)

    def in_file(self, file: str, line: int) -> Scope:
        """Return the same place of the model, written at a line of another file."""
        return Scope(self.project, self.path, line, self.service, self.sink, file)

    @property
    def place(self) -> Place:
        """Where this is."""
        return Place(self.file, self.line, self.path) if self.file else self.project.place(self.line, self.path)

    @property
    def contract(self) -> ContractService | None:
        """The contract's words on the service being judged."""
        assignment = self.project.assignment
        return assignment.service(self.service) if assignment else None

    @property
    def under_test(self) -> bool:
        """Whether this is a broker or database whose behaviour must be ours to trust."""
        contract = self.contract
        return bool(contract and contract.images)

    @property
    def rules(self) -> tuple[Rules, ...]:
        """What may be set on the service being judged, by the systems that the contract lets it be."""
        contract = self.contract
        if contract is None:
            return ()
        brokers = (room.broker for room in rooms().values())
        return tuple(b.rules for b in brokers if b.role == contract.role or set(b.images).intersection(contract.images))

    def add(self, severity: Severity, code: str, message: Text, remedy: Text | None = None) -> None:
        """Say something about this place."""
        (self.sink or self.project.out).add(severity, code, self.place, message, remedy)

    def error(self, code: str, message: Text, remedy: Text | None = None) -> None:
        """Refuse the submission for what stands here."""
        self.add("error", code, message, remedy)

    def warn(self, code: str, message: Text, remedy: Text | None = None) -> None:
        """Say that what stands here is changed or will break a check."""
        self.add("warning", code, message, remedy)

    def notice(self, code: str, message: Text, remedy: Text | None = None) -> None:
        """Inform about what stands here."""
        self.add("notice", code, message, remedy)
