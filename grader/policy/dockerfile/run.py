"""Judging RUN: no privileges, no foreign mounts; here-documents in a form that every engine builds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.model.text import msg
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.images import Stages, judge_copy_source
from grader.policy.dockerfile.words import exec_form, json_words

if TYPE_CHECKING:
    from grader.policy.scope import Scope

_BIND_OPTIONS = frozenset(
    {"type", "target", "dst", "destination", "source", "src", "from", "rw", "readwrite", "ro", "readonly"}
)
_TARGETS = ("target", "dst", "destination")
_SOURCES = ("source", "src")
_SYSTEM = re.compile(r"/(proc|sys|dev)(/|\Z)")
_ID = re.compile(r"[0-9]{1,9}\Z")
_SWITCHES = {"network": {"default", "none"}, "security": {"sandbox"}}  # what is so anyway, or asks for less
MAX_LINE = 60 * 1024  # longer ones the builders do not read
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
        elif given not in _SWITCHES.get(name, ()):
            scope.error(
                "run-option",
                msg("RUN --%(flag)s is not allowed.", flag=name),
                msg("Remove the option; a build step needs no rights or networks of the host."),
            )
    rest = instruction.rest
    if instruction.heredocs:
        rest = exec_form(*_with_heredocs(instruction, shell))
    elif "<<" in rest:  # so that no builder takes it for a here-document
        rest = exec_form(*(json_words(rest) or [*shell, rest]))
    if not rest:
        scope.error("dockerfile-syntax", msg("RUN has no command."))
        return None
    if len(rest) > MAX_LINE:
        scope.error(
            "dockerfile-too-large",
            msg("This RUN is longer than %(limit)d KiB.", limit=MAX_LINE >> 10),
            msg("Put the script into a file of the submission and copy that."),
        )
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
    """Return the mount as it is kept, or None if it is dropped or refused."""
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
        return _folder(options)
    allowed = {"bind": _BIND_OPTIONS, "tmpfs": _TMPFS_OPTIONS}.get(kind)
    if allowed is None or set(options) - allowed or "$" in text:
        remedy = {
            "secret": msg("Builds get no secrets here; install what is public, or put the file into the submission."),
            "ssh": msg("Builds get no keys here; put what you would fetch into the submission."),
        }.get(kind)
        scope.error("run-mount", msg("The mount %(mount)s is not allowed in a build.", mount=text[:120]), remedy)
        return None
    if not _clean(options):
        scope.error(
            "run-mount",
            msg("The mount %(mount)s lacks a target, or one of its paths leads out.", mount=text[:120]),
            msg("Write it as type=bind,source=file,target=/folder/file, without .. in its paths."),
        )
        return None
    if "from" in options:
        source = judge_copy_source(scope, stages, options["from"])
        if source is None:
            return None
        options["from"] = source
    return ",".join(f"{k}={v}" if v else k for k, v in options.items())


def _folder(options: dict[str, str]) -> str | None:
    """Return what stays of a cache: a folder where it would be, and whose that is."""
    kept = {n: v for n, v in options.items() if n in _TARGETS or (n in {"uid", "gid"} and _ID.match(v))}
    if any("$" in value for value in kept.values()) or not _clean(kept):
        return None
    return ",".join(["type=cache", *(f"{name}={value}" for name, value in kept.items())])


def _clean(options: dict[str, str]) -> bool:
    """Say whether there is one target, not a folder of the system, and no path climbs."""
    targets = [options[name] for name in _TARGETS if name in options]
    sources = [options[name] for name in _SOURCES if name in options]
    if len(targets) != 1 or not targets[0] or len(sources) > 1:
        return False
    if any(".." in path.split("/") for path in [*targets, *sources]):
        return False
    target = re.sub(r"/+(\./+)*", "/", targets[0])
    if not target.startswith("/"):  # below the working directory, to which it is copied
        return not _SYSTEM.match(f"/{target.removeprefix('./')}")
    return target.rstrip("/.") != "" and not _SYSTEM.match(target)
