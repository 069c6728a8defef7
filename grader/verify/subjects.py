"""What is verified: reference solutions, and mutants and right alternatives as files that differ from one of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec
import yaml

from grader import digests
from grader.errors import UsageError
from grader.model.text import Bilingual, msg

if TYPE_CHECKING:
    from grader.model.assignment import Assignment

EXPECTED = "expected.yaml"
Why: TypeAlias = Annotated[str, msgspec.Meta(min_length=10)]


class _Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    base: str
    mistake: Bilingual | None = None
    right: Bilingual | None = None
    kills: dict[str, str | list[str]] = {}
    allowed: dict[str, Why] | tuple[str, ...] = {}  # a list: of an assignment whose reasons are still to be written
    removed: tuple[str, ...] = ()


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A reference, a right alternative (no `kills`: it must pass everything, as a reference must) or a mutant.

    kills: check -> the reason codes one of which must be named. allowed: further checks that may fail -> why their
    verdict cannot be told apart from the mistake ("" where nobody has said so yet).
    layers: folders laid over each other, in order. removed: files of the base that the mutant does not have.
    """

    name: str
    layers: tuple[Path, ...]
    kills: dict[str, tuple[str, ...]] = {}
    allowed: dict[str, str] = {}
    removed: tuple[str, ...] = ()
    mistake: Bilingual | None = None

    @property
    def mutant(self) -> bool:
        """Whether it has a known mistake."""
        return self.mistake is not None

    def lay(self, into: Path) -> None:
        """Write the whole submission into the new folder `into`."""
        for layer in self.layers:
            shutil.copytree(layer, into, dirs_exist_ok=True, symlinks=True, ignore=shutil.ignore_patterns(EXPECTED))
        for name in self.removed:
            (into / name).unlink()

    def digest(self) -> str:
        """Return a hash of everything the submission consists of; what is expected of it is no part of it."""
        return digests.of_texts(digests.of_tree(*self.layers, without=EXPECTED), *self.removed)


def subjects(assignment: Assignment) -> tuple[Subject, ...]:
    """Return the assignment's references and then its mutants. Raises UsageError for a faulty `expected.yaml`."""
    root = Path(assignment.directory).parent.parent
    references_dir = root / "reference_solutions" / assignment.id
    mutants_dir = root / "fixtures" / "submissions" / assignment.id
    found = [Subject(name=p.name, layers=(p,)) for p in sorted(references_dir.glob("*")) if p.is_dir()]
    found += [_mutant(p, references_dir, assignment) for p in sorted(mutants_dir.glob("*")) if p.is_dir()]
    if not found:
        raise UsageError(
            msg("There is nothing to verify: %(folder)s holds no reference solution", folder=str(references_dir))
        )
    return tuple(found)


def subject(assignment: Assignment, name: str) -> Subject:
    """Return one of them by name. Raises UsageError."""
    for found in subjects(assignment):
        if found.name == name:
            return found
    raise UsageError(msg("%(assignment)s has no reference or mutant %(name)s", assignment=assignment.id, name=name))


def materialise(assignment: Assignment, name: str, into: Path) -> None:
    """Write the whole submission of a reference or mutant into the folder `into`."""
    subject(assignment, name).lay(into)


def _mutant(folder: Path, references: Path, assignment: Assignment) -> Subject:
    file = folder / EXPECTED
    try:
        expected = msgspec.convert(yaml.safe_load(file.read_text("utf-8")), _Expected)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(msg("%(file)s: %(error)s", file=str(file), error=str(error))) from error
    known = {c.id for c in assignment.checks}
    unknown = sorted((set(expected.kills) | set(expected.allowed)) - known)
    described = bool(expected.mistake) != bool(expected.right) and bool(expected.mistake) == bool(expected.kills)
    if unknown or not described or not (references / expected.base).is_dir():
        raise UsageError(
            msg(
                "%(file)s: base must be a reference; mistake goes with kills, which name checks of the rubric "
                "(unknown: %(unknown)s), right goes without",
                file=str(file),
                unknown=", ".join(unknown) or "-",
            )
        )
    return Subject(
        name=folder.name,
        layers=(references / expected.base, folder),
        kills={c: (r,) if isinstance(r, str) else tuple(r) for c, r in expected.kills.items()},
        allowed=expected.allowed if isinstance(expected.allowed, dict) else dict.fromkeys(expected.allowed, ""),
        removed=expected.removed,
        mistake=expected.mistake,
    )
