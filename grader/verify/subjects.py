"""What is verified: reference solutions, and mutants and right alternatives as what differs from one of them."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from grader import digests, scratch
from grader.errors import UsageError
from grader.model.text import Bilingual, msg
from grader.verify import edits, mutants

if TYPE_CHECKING:
    from grader.model.assignment import Assignment
    from grader.verify.edits import Edit
    from grader.verify.mutants import Mutant


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A reference, a right alternative (no `kills`: it must pass everything, as a reference must) or a mutant.

    kills: check -> the reason codes one of which must be named. allowed: further checks that may fail -> why their
    verdict cannot be told apart from the mistake ("" where nobody has said so yet).
    reference: the folder that it differs from. changed: path -> the whole file that stands there instead: its content,
    or where it lies. removed: files of the reference that it does not have.
    """

    name: str
    reference: Path
    changed: dict[str, bytes | Path] = {}
    removed: tuple[str, ...] = ()
    kills: dict[str, tuple[str, ...]] = {}
    allowed: dict[str, str] = {}
    mistake: Bilingual | None = None

    @property
    def mutant(self) -> bool:
        """Whether it has a known mistake."""
        return self.mistake is not None

    def lay(self, into: Path) -> None:
        """Write the whole submission into the new folder `into`."""
        shutil.copytree(self.reference, into, symlinks=True)
        self._lay_changed(into)
        for name in self.removed:
            (into / name).unlink()

    def digest(self) -> str:
        """Return a hash of all files that it consists of, however they are written down; not of what is expected."""
        with scratch.folder("verify") as folder:
            self._lay_changed(folder)
            return digests.of_texts(digests.of_tree(self.reference, folder), *self.removed)

    def contents(self) -> dict[str, bytes]:
        """Return the whole content of each file that differs from the reference's."""
        return {name: each if isinstance(each, bytes) else each.read_bytes() for name, each in self.changed.items()}

    def _lay_changed(self, into: Path) -> None:
        for name, source in self.changed.items():
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(source, Path):
                target.unlink(missing_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)
            else:
                target.write_bytes(source)  # into a copy of the base's file, whose mode it has


def subjects(assignment: Assignment) -> tuple[Subject, ...]:
    """Return the assignment's references and then its mutants. Raises UsageError for a faulty `mutants.yaml`."""
    found = references(assignment)
    if not found:
        raise UsageError(
            msg(
                "There is nothing to verify: %(folder)s holds no reference solution",
                folder=str(_root(assignment) / "reference_solutions" / assignment.id),
            )
        )
    return (*found.values(), *derived(assignment))


def references(assignment: Assignment) -> dict[str, Subject]:
    """Return the assignment's reference solutions by name."""
    folder = _root(assignment) / "reference_solutions" / assignment.id
    return {p.name: Subject(name=p.name, reference=p) for p in sorted(folder.glob("*")) if p.is_dir()}


def derived(assignment: Assignment) -> tuple[Subject, ...]:
    """Return mutants and right alternatives. Raises UsageError for a faulty `mutants.yaml`."""
    file, bases = declarations(assignment), references(assignment)
    declared = mutants.read(file, assignment)
    for folder in sorted(p for p in file.parent.glob("*") if p.is_dir()):
        if folder.name not in {m.name for m in declared}:
            raise UsageError(
                msg(
                    "%(file)s has no entry for the folder %(folder)s: write one, or remove the folder",
                    file=str(file),
                    folder=folder.name,
                )
            )
    return tuple(_Derivation(file, mutant, bases).subject() for mutant in sorted(declared, key=lambda m: m.name))


def declarations(assignment: Assignment) -> Path:
    """Return where the assignment's `mutants.yaml` lies; the whole files of an entry lie beside it."""
    return _root(assignment) / "fixtures" / "submissions" / assignment.id / mutants.FILE


def subject(assignment: Assignment, name: str) -> Subject:
    """Return one of them by name. Raises UsageError."""
    for found in subjects(assignment):
        if found.name == name:
            return found
    raise UsageError(msg("%(assignment)s has no reference or mutant %(name)s", assignment=assignment.id, name=name))


def materialise(assignment: Assignment, name: str, into: Path) -> None:
    """Write the whole submission of a reference or mutant into the folder `into`."""
    subject(assignment, name).lay(into)


def _files(folder: Path) -> list[Path]:
    """Return all files, but no link: what is written to it would go where it leads."""
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink()]


def _root(assignment: Assignment) -> Path:
    return Path(assignment.directory).parent.parent


class _Derivation:
    """How an entry of `mutants.yaml` becomes files."""

    def __init__(self, file: Path, mutant: Mutant, bases: dict[str, Subject]) -> None:
        self._file = file
        self._mutant = mutant
        if mutant.name in bases:
            raise UsageError(
                msg("%(at)s: a reference has this name already; take another one", at=self._at(mutant.lines[""]))
            )
        if mutant.base not in bases:
            raise UsageError(
                msg(
                    "%(at)s: there is no reference %(base)s; there are: %(known)s",
                    at=self._at(mutant.lines["base"]),
                    base=mutant.base,
                    known=", ".join(bases) or "-",
                )
            )
        self._base = bases[mutant.base].reference
        self._names = [p.relative_to(self._base).as_posix() for p in _files(self._base)]

    def subject(self) -> Subject:
        mutant = self._mutant
        folder = self._file.parent / mutant.name
        found = [p for p in sorted(folder.rglob("*")) if not p.is_dir() and "__pycache__" not in p.parts]
        whole = {p.relative_to(folder).as_posix(): p for p in found}
        edited = {name: self._edited(name, each) for name, each in mutant.edits.items()}
        for name, line in mutant.removed.items():
            self._in_base(name, line)
        twice = [name for name in mutant.edits if name in whole or name in mutant.removed]
        if twice:
            raise UsageError(
                msg(
                    "%(at)s: %(file)s is edited, and removed or in the folder %(folder)s too: keep one of these",
                    at=self._at(mutant.edits[twice[0]][0].line),
                    file=twice[0],
                    folder=mutant.name,
                )
            )
        if not (whole or edited or mutant.removed):
            raise UsageError(
                msg(
                    "%(at)s: nothing differs from %(base)s: say edits or removed, or put whole files into the folder "
                    "%(folder)s",
                    at=self._at(mutant.lines[""]),
                    base=mutant.base,
                    folder=str(folder),
                )
            )
        return Subject(
            name=mutant.name,
            reference=self._base,
            changed={**whole, **edited},
            removed=tuple(mutant.removed),
            kills=mutant.kills,
            allowed=mutant.allowed,
            mistake=mutant.mistake,
        )

    def _at(self, line: int) -> str:
        return mutants.place(self._file, self._mutant.name, line)

    def _in_base(self, name: str, line: int) -> None:
        if name not in self._names:
            raise UsageError(
                msg(
                    "%(at)s: %(base)s has no file %(file)s (nearest: %(near)s)",
                    at=self._at(line),
                    base=self._mutant.base,
                    file=name,
                    near=mutants.nearest(name, self._names),
                )
            )

    def _edited(self, name: str, wanted: tuple[Edit, ...]) -> bytes:
        self._in_base(name, wanted[0].line)
        said = {"file": name, "base": self._mutant.base}
        try:
            text = (self._base / PurePosixPath(name)).read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(
                msg(
                    "%(at)s: %(file)s of %(base)s is no text in UTF-8: put the changed file into the folder %(folder)s",
                    at=self._at(wanted[0].line), folder=str(self._file.parent / self._mutant.name), **said,
                )
            ) from error  # fmt: skip
        try:
            return edits.apply(text, wanted).encode("utf-8")
        except edits.NotOnceError as error:
            at = self._at(error.edit.line)
            if error.times == 0:
                raise UsageError(
                    msg(
                        "%(at)s: old is not in %(file)s of %(base)s (0 times instead of once): copy it anew from there",
                        at=at, **said,
                    )
                ) from error  # fmt: skip
            raise UsageError(
                msg(
                    "%(at)s: old is in %(file)s of %(base)s %(times)d times instead of once: take more of the lines "
                    "around it into old and new",
                    at=at, times=error.times, **said,
                )
            ) from error  # fmt: skip
        except edits.OverlapError as error:
            raise UsageError(
                msg(
                    "%(at)s: it changes the same place of %(file)s as the edit in line %(other)d: make one of them",
                    at=self._at(error.edit.line), file=name, other=error.other.line,
                )
            ) from error  # fmt: skip
