"""Judging RUN: no privileges, no foreign mounts; here-documents in a form that every engine builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.images import Stages, judge_copy_source
from grader.policy.dockerfile.words import exec_form

if TYPE_CHECKING:
    from grader.policy.scope import Scope

_BIND_OPTIONS = frozenset(
    {"type", "target", "dst", "destination", "source", "src", "from", "rw", "readwrite", "ro", "readonly"}
)
_TMPFS_OPTIONS = frozenset({"type", "target", "dst", "destination", "size"})


def judge_run(
    scope: Scope, stages: Stages, instruction: df.Instruction, shell: tuple[str, ...]
) -> df.Instruction | None:
    """Judge one RUN; returns what is built in its place."""
    flags: list[tuple[str, str]] = []
    for name, given in instruction.flags:
        if name == "mount":
            mount = _mount(scope, stages, given)
            if mount:
                flags.append((name, mount))
        elif name == "network" and given == "default":
            continue
        else:
            scope.error(
                "run-option",
                msg("RUN --%(flag)s is not allowed.", flag=name),
                msg("Remove the option; a build step needs no rights or networks of the host."),
            )
    rest = instruction.rest
    if instruction.heredocs:
        rest = exec_form(*_with_heredocs(instruction, shell))
    if not rest:
        scope.error("dockerfile-syntax", msg("RUN has no command."))
        return None
    return df.Instruction("RUN", flags, rest, instruction.line)


def _with_heredocs(instruction: df.Instruction, shell: tuple[str, ...]) -> tuple[str, ...]:
    """Write a RUN with here-documents as the shell command that means the same.

    A frontend that knows here-documents runs a lone one as a script; one that does not would take its lines for
    instructions, and so never sees it.
    """
    alone = len(instruction.heredocs) == 1 and len(instruction.rest.split()) == 1
    first = instruction.heredocs[0]
    if alone and not first.body.startswith("#!"):
        return (*shell, first.body)
    command = instruction.rest
    if alone:  # a script with an interpreter of its own
        script = "/tmp/.run-script"  # noqa: S108 - inside the image that is built
        command = f"cat > {script} <<'{first.name}' && chmod +x {script} && {script} && rm {script}"
    text = command + "\n"
    for heredoc in instruction.heredocs:
        text += f"{heredoc.body}{heredoc.name}\n"
    return (*shell, text)


def _mount(scope: Scope, stages: Stages, text: str) -> str | None:
    """Return the mount as written, or None if it is dropped or refused."""
    options: dict[str, str] = {}
    for part in text.split(","):
        name, _, given = part.partition("=")
        if name.strip() != name or name.lower() != name or name in options:
            scope.error("run-mount", msg("The mount %(mount)s cannot be read.", mount=text[:120]))
            return None
        options[name] = given
    kind = options.get("type", "bind")
    if kind == "cache":  # shared by all builds of a builder, and only a matter of speed
        scope.notice("attribute-dropped", msg("The cache mount is left out: builds share nothing here."))
        return None
    allowed = {"bind": _BIND_OPTIONS, "tmpfs": _TMPFS_OPTIONS}.get(kind)
    if allowed is None or set(options) - allowed or "$" in text:
        scope.error("run-mount", msg("The mount %(mount)s is not allowed in a build.", mount=text[:120]))
        return None
    if "from" in options:
        source = judge_copy_source(scope, stages, options["from"])
        if source is None:
            return None
        options["from"] = source
    return ",".join(f"{k}={v}" if v else k for k, v in options.items())
