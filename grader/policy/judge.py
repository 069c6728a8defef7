"""Judging a whole submission: from a compose file to the plan of what may run, or to all that speaks against it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from grader.errors import SubmissionRefusedError
from grader.model.text import msg
from grader.policy import contract, course, extends, forms, include, waiting
from grader.policy.choose import choose, pass_on
from grader.policy.collect import Collector
from grader.policy.document.nodes import Mapping, is_null
from grader.policy.plan import assemble
from grader.policy.project import Replacement, find_compose_file, read_tree, read_variables
from grader.policy.relocate import relocate_model
from grader.policy.resources import NAME, NETWORK, VOLUME, judge_files, judge_section
from grader.policy.rules import unknown
from grader.policy.scope import Catalogue, Project, Scope
from grader.policy.service import built_image_name, judge_service
from grader.policy.sources import Source, Sources

if TYPE_CHECKING:
    from grader.model.assignment import Assignment
    from grader.model.plan import StackPlan
    from grader.model.workspace import Workspace
    from grader.policy.judged import Judged

TOP_LEVEL = ("services", "networks", "volumes", "configs", "secrets", "name", "version", "include", "models")
MAX_SERVICES = 30


class Judgement(NamedTuple):
    """A submission's services, judged one by one, before it is settled which of them are started."""

    project: Project
    top: Scope
    services: dict[str, tuple[Judged, Collector]]


def judge(workspace: Workspace, assignment: Assignment | None, catalogue: Catalogue) -> StackPlan:
    """Return the plan of what may run of a submission.

    Raises SubmissionRefusedError with every finding, if one of them is an error. The plan names images by their
    catalogue names; `bind` replaces them. `plan.findings` are the warnings and notices.
    """
    project, top, services = read(workspace, assignment, catalogue)
    out = project.out
    kept = choose(top, services) if services else {}
    plan = None
    if not out.errors:
        course.lint(project, kept)
        plan = assemble(project, kept, waiting.settle(project, kept))
    if plan is None or out.errors:
        raise SubmissionRefusedError(*out.errors, *(f for f in out.all if f.severity != "error"))
    return plan


def read(workspace: Workspace, assignment: Assignment | None, catalogue: Catalogue) -> Judgement:
    """Judge each service on its own. Raises SubmissionRefusedError for a compose file that cannot be read."""
    root = Path(workspace.root).resolve()
    out = Collector()
    file = find_compose_file(root, out)
    variables = read_variables(root, out, file.rpartition("/")[0])
    project = Project(
        root=root, file=file, catalogue=catalogue, assignment=assignment, variables=variables, out=out,
        left_behind=frozenset(f.file for f in workspace.findings if f.code == "data-left-behind"),
    )  # fmt: skip
    tree = _model(project, variables)
    top = Scope(project, "", 1)
    _top_level(top, tree)
    return Judgement(project, top, _services(top, tree))


def _model(project: Project, variables: dict[str, str]) -> Mapping:
    """Return what the compose file says, with all that it extends and includes."""
    raw = read_tree(project.root, project.file)
    folder = project.file.rpartition("/")[0]
    tree = Replacement(project, variables).tree(raw)
    assert isinstance(tree, Mapping)
    tree = relocate_model(tree, folder)
    sources = Sources(project)
    source = Source(project.file, folder, 0, raw, variables, whole=True)
    return include.resolve(sources, source, extends.resolve(sources, source, tree))


def _top_level(top: Scope, tree: Mapping) -> None:
    """Judge everything but the services."""
    project = top.project
    for name, entry in tree.entries.items():
        at = top.at(name, entry.line)
        if name not in TOP_LEVEL:
            unknown(at, name, TOP_LEVEL)
        elif name != "services" and (form := forms.PROJECT.get(name)):
            forms.fits(at, entry.node, form)
    simple = {
        "version": ("notice", "version-obsolete", msg("version: is obsolete and ignored.")),
        "name": (
            "notice",
            "attribute-dropped",
            msg("The grader gives networks, volumes and projects names of its own."),
        ),
        "models": ("error", "models", msg("models runs programs on the host.")),
    }
    for name, (severity, code, message) in simple.items():
        if name in tree.entries:
            top.at(name, tree.entries[name].line).add(severity, code, message)  # type: ignore[arg-type]  # literals
    found = {
        n: judge_section(_section(top, tree, n), tree.get(n), t)
        for n, t in (("networks", NETWORK), ("volumes", VOLUME))
    }
    project.network_names = frozenset(found["networks"])
    project.volume_names = frozenset(found["volumes"])
    project.bound_volumes = {n: v["driver_opts"] for n, v in found["volumes"].items() if "driver_opts" in v}
    for name in ("configs", "secrets"):
        judge_files(_section(top, tree, name), tree.get(name))


def _section(top: Scope, tree: Mapping, name: str) -> Scope:
    entry = tree.entries.get(name)
    return top.at(name, entry.line if entry else 1)


def _services(top: Scope, tree: Mapping) -> dict[str, tuple[Judged, Collector]]:
    """Judge each service on its own; its findings wait until it is known whether it is started."""
    at = _section(top, tree, "services")
    node = tree.get("services")
    if is_null(node):
        at.error(
            "services-missing",
            msg("The compose file has no services."),
            msg("Write services: and below it one entry for each service."),
        )
        return {}
    if not isinstance(node, Mapping) or not node.entries:
        at.error("attribute-type", msg("%(path)s must be a mapping (name: value).", path="services"))
        return {}
    if len(node.entries) > MAX_SERVICES:
        at.error("too-many-services", msg("There are more than %(limit)d services.", limit=MAX_SERVICES))
        return {}
    entries = node.entries
    project = top.project
    project.service_names = frozenset(entries)
    _same_but_for_case(at, node)
    for name, entry in entries.items():
        built = built_image_name(entry.node)
        if built:
            project.built_images[built] = name
    judged: dict[str, tuple[Judged, Collector]] = {}
    for name, entry in entries.items():
        sink = Collector()
        scope = Scope(project, at.at(name).path, entry.line, name, sink)
        if not NAME.match(name) or len(name) > 60:
            at.at(name, entry.line).error(
                "name-malformed", msg("%(name)s is not a name that can be used here.", name=name[:80])
            )
            continue
        one = judge_service(scope, entry.node)
        if one:
            judged[name] = (one, sink)
        else:
            pass_on(sink, project.out)
    contract.missing_services(at, entries)
    return judged


def _same_but_for_case(at: Scope, node: Mapping) -> None:
    """Names of hosts and images know no upper case, so two such names would be one."""
    seen: dict[str, str] = {}
    for name, entry in node.entries.items():
        first = seen.setdefault(name.lower(), name)
        if first != name:
            at.at(name, entry.line).error(
                "name-taken", msg("%(first)s and %(second)s are one name on a network.", first=first, second=name)
            )
