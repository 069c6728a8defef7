"""Finds and loads assignments: `assignment.yaml` for the rubric, the tests' source for needs and requirements.

The tests are read, not imported: a wheel without hidden tests, `list` and a refused submission need no Docker client.
"""

from __future__ import annotations

import ast
import difflib
import os
from pathlib import Path
from typing import Any

import msgspec
import yaml

from grader import brokers, catalogue, paths
from grader.brokers.reasons import reasons_for
from grader.errors import UsageError
from grader.model.assignment import TERMS, WORKER, Assignment, CheckSpec, ContractService, Images, Limits, Weight
from grader.model.reasons import FaultyReasonsError
from grader.model.text import Bilingual, msg

FULL_MARKS = 100
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a fifth of the time


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    title: Bilingual
    points: int
    level: str
    visibility: str
    fails_on: tuple[str, ...] = ()


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Bilingual
    version: str
    services: tuple[ContractService, ...]
    checks: tuple[_Row, ...]
    limits: Limits = Limits()
    weight: Weight = Weight()
    images: Images = "public"
    contract: dict[str, Any] = {}  # its subject.py says what belongs there (`grader.contract`)


class _Test(msgspec.Struct, frozen=True):
    needs: tuple[str, ...]
    requirement: Bilingual
    visibility: str
    function: str
    file: str


def roots(extra: Path | None = None) -> tuple[Path, ...]:
    """Return the folders that may hold assignments: `extra` (or GRADER_ASSIGNMENTS), then the repository's own."""
    found = [extra] if extra else []
    if os.environ.get("GRADER_ASSIGNMENTS"):
        found.append(Path(os.environ["GRADER_ASSIGNMENTS"]))
    repository = paths.repository()
    if repository:
        found.append(repository / "assignments")
    found.append(paths.PACKAGE / "pack")  # what a wheel brings: the students' part
    return tuple(p for p in found if p.is_dir())


def names(extra: Path | None = None) -> tuple[str, ...]:
    """Return the ids of all assignments found, sorted."""
    return tuple(sorted({f.parent.name for root in roots(extra) for f in root.glob("*/assignment.yaml")}))


def load(assignment_id: str, extra: Path | None = None) -> Assignment:
    """Load one assignment. Raises UsageError for an unknown id (with the nearest one) or a faulty definition."""
    for root in roots(extra):
        directory = root / assignment_id
        if (directory / "assignment.yaml").is_file() and assignment_id == directory.name:
            return _load(directory)
    known = names(extra)
    near = difflib.get_close_matches(assignment_id, known, n=1, cutoff=0.5)
    if near:
        raise UsageError(msg("There is no assignment %(id)s. Did you mean %(near)s?", id=assignment_id, near=near[0]))
    raise UsageError(
        msg("There is no assignment %(id)s. There are: %(known)s", id=assignment_id, known=", ".join(known) or "-")
    )


def _load(directory: Path) -> Assignment:
    file = directory / "assignment.yaml"
    try:
        data = yaml.load(file.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
        document = msgspec.convert(data, _Document)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(
            msg("%(file)s is not a valid assignment: %(error)s", file=str(file), error=str(error))
        ) from error
    _known_roles(file, document.services)
    _apart(file, document.services)
    tests = _tests(directory)
    hidden_here = (directory / "hidden").is_dir()
    checks = []
    for row in document.checks:
        test = tests.pop(row.id, None)
        if test is None and (hidden_here or row.visibility == "public"):
            raise UsageError(msg("%(file)s: no test has @check(%(id)s)", file=str(file), id=repr(row.id)))
        if test is not None and test.visibility != row.visibility:
            raise UsageError(
                msg(
                    "%(file)s: %(id)s is %(v)s but its test lies elsewhere", file=str(file), id=row.id, v=row.visibility
                )
            )
        checks.append(
            msgspec.convert(
                {
                    **msgspec.structs.asdict(row),
                    "needs": test.needs if test else (),
                    "requirement": test.requirement if test else row.title,
                },
                CheckSpec,
                from_attributes=True,
            )
        )
    if tests:
        raise UsageError(
            msg("%(file)s has no row for the checks %(ids)s", file=str(file), ids=", ".join(sorted(tests)))
        )
    _consistent(file, tuple(checks))
    try:
        reasons_for(directory.resolve())  # what is wrong with them is said now, not in a report
    except FaultyReasonsError as error:
        raise UsageError(error.message) from error
    return Assignment(
        id=directory.name,
        title=document.title,
        services=document.services,
        checks=tuple(checks),
        limits=document.limits,
        weight=document.weight,
        images=document.images,
        version=document.version,
        directory=str(directory.resolve()),
    )


def _known_roles(file: Path, services: tuple[ContractService, ...]) -> None:
    """Check that each service is of a role that somebody knows, a room's or a worker, and says what that one takes."""
    rooms = brokers.rooms()
    if any(room.distribution for room in rooms.values()):
        catalogue.load()  # what others describe in it is looked at now, not in a grading
    known = (*rooms, WORKER)
    for service in services:
        if service.role not in known:
            near = difflib.get_close_matches(service.role, known, n=1, cutoff=0.5)
            raise UsageError(
                msg(
                    "%(file)s: %(service)s has the role %(role)s, which no room declares. Write one of: %(known)s.",
                    file=str(file),
                    service=service.name,
                    role=service.role,
                    known=", ".join(near or known),
                )
            )
        taken = rooms[service.role].broker.terms if service.role in rooms else ()
        for term in TERMS:
            if getattr(service, term) and term not in taken:
                raise UsageError(
                    msg(
                        "%(file)s: %(service)s says %(term)s, and a service with the role %(role)s is told none. "
                        "Take it out.",
                        file=str(file),
                        service=service.name,
                        term=term,
                        role=service.role,
                    )
                )


def _apart(file: Path, services: tuple[ContractService, ...]) -> None:
    """Check that services are told apart by their names, and that whoever is one of several has company."""
    names = [service.name for service in services]
    words = [service.one_of for service in services]
    for service in services:
        wrong = None
        said = {"file": str(file), "service": service.name, "word": service.one_of}
        if names.count(service.name) > 1:
            wrong = msg("%(file)s: two services are called %(service)s. Give each a name of its own.", **said)
        elif service.one_of and service.optional:
            wrong = msg(
                "%(file)s: %(service)s is optional and says one_of: %(word)s, and one of those must be there. "
                "Take one of the two out.",
                **said,
            )
        elif service.one_of and words.count(service.one_of) == 1:
            wrong = msg(
                "%(file)s: %(service)s alone says one_of: %(word)s. Write it at each service that may be there in its "
                "place, or take it out.",
                **said,
            )
        elif service.one_of in names:
            wrong = msg(
                "%(file)s: %(service)s says one_of: %(word)s, which is the name of a service. Choose another word.",
                **said,
            )
        if wrong:
            raise UsageError(wrong)


def _consistent(file: Path, checks: tuple[CheckSpec, ...]) -> None:
    """Check the rubric against itself: full marks, order of needs, no public check that needs a hidden one."""
    total = sum(c.points for c in checks if c.level != "bonus")
    if total != FULL_MARKS:
        raise UsageError(msg("%(file)s: core and robust points add up to %(n)s, not 100", file=str(file), n=total))
    seen: dict[str, CheckSpec] = {}
    for spec in checks:
        for need in spec.needs:
            if need not in seen:
                raise UsageError(
                    msg(
                        "%(file)s: %(id)s needs %(need)s, which must stand before it",
                        file=str(file),
                        id=spec.id,
                        need=need,
                    )
                )
            if spec.visibility == "public" and seen[need].visibility == "hidden":
                raise UsageError(
                    msg("%(file)s: public %(id)s needs hidden %(need)s", file=str(file), id=spec.id, need=need)
                )
        seen[spec.id] = spec


def _tests(directory: Path) -> dict[str, _Test]:
    found: dict[str, _Test] = {}
    for visibility in ("public", "hidden"):
        for file in sorted((directory / visibility).glob("test_*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"), str(file))):
                if isinstance(node, ast.FunctionDef) and (mark := _mark(node)):
                    check_id, needs = mark
                    if check_id in found:
                        raise UsageError(
                            msg("%(file)s: two tests have @check(%(id)s)", file=str(file), id=repr(check_id))
                        )
                    found[check_id] = _Test(needs, _requirement(node), visibility, node.name, str(file))
    return found


def _mark(node: ast.FunctionDef) -> tuple[str, tuple[str, ...]] | None:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "check":
            values: dict[str, Any] = {k.arg or "": ast.literal_eval(k.value) for k in decorator.keywords}
            needs = values.get("needs", ())
            return ast.literal_eval(decorator.args[0]), (needs,) if isinstance(needs, str) else tuple(needs)
    return None


def _requirement(node: ast.FunctionDef) -> Bilingual:
    spanish, _, english = (ast.get_docstring(node) or "").partition("\n\n")
    return Bilingual(es=" ".join(spanish.split()), en=" ".join((english or spanish).split()))
