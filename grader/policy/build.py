"""The attribute `build`: a context and a Dockerfile of the submission, and nothing that reaches out of them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from grader import dockerignore
from grader.model.plan import Build
from grader.model.text import msg
from grader.policy.dockerfile.reading import line_of
from grader.policy.dockerfile.rules import judge_dockerfile
from grader.policy.dockerfile.syntax import MAX_BYTES
from grader.policy.document.nodes import Entry, Mapping, Node, Scalar
from grader.policy.evidence import judge_stage_under_test
from grader.policy.files import inside, nearest_file, read_bytes, relative
from grader.policy.rules import DROP, Table, dropped, judge_mapping, refused, refused_if_true, value
from grader.policy.scope import Scope
from grader.policy.values import as_pairs, as_text

if TYPE_CHECKING:
    from pathlib import Path

_REMOTE = re.compile(r"[a-z0-9+.-]+://|git@|github\.com/|docker-image:|oci-layout:|target:|service:", re.IGNORECASE)
_STAGE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}\Z")
_STEERING = re.compile(r"BUILDKIT_(?!INLINE_CACHE\Z)|[A-Za-z_]*_PROXY\Z", re.IGNORECASE)
_CACHE_ARGUMENT = "BUILDKIT_INLINE_CACHE"  # written by habit; caches stay with the grader
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")


def _args(scope: Scope, node: Node) -> Any:
    pairs = as_pairs(scope, node)
    found: dict[str, str] = {}
    for name, (given, line) in (pairs or {}).items():
        inner = scope.at(name, line)
        if not _ARGUMENT.match(name):
            inner.error("attribute-value", msg("%(value)s is not the name of a variable.", value=name[:60]))
        elif name == _CACHE_ARGUMENT or (_STEERING.match(name) and not given):
            inner.notice("attribute-dropped", msg("The build argument %(name)s is left out.", name=name))
        elif _STEERING.match(name):
            inner.error("build-arg", msg("The build argument %(name)s would steer the builder.", name=name))
        elif given is not None:
            found[name] = given
        elif name in scope.project.variables:
            found[name] = scope.project.variables[name]
    return found


def _network(scope: Scope, node: Node) -> Any:
    if as_text(scope, node) not in {"default", "none", ""}:
        scope.error(
            "host-network", msg("A build may not join a network of the machine."), msg("Remove network: from build:.")
        )
    return DROP


def _target(scope: Scope, node: Node) -> Any:
    text = as_text(scope, node)
    if text is None or not _STAGE.match(text):
        scope.error("build-target", msg("%(target)s is not the name of a stage.", target=(text or "")[:60]))
        return DROP
    return text


_SECRETS = refused(
    "build-secret",
    msg("Builds get no secrets, keys or agents of the machine."),
    msg("Remove it and its RUN --mount; what a build needs must be in the submission or public."),
)
_LEFT_OUT = dropped(msg("This attribute is left out of what the grader builds."))
_CACHE = dropped(msg("Caches outside of the grader are neither read nor written."))
BUILD: Table = {
    "context": value(as_text),
    "dockerfile": value(as_text),
    "dockerfile_inline": value(as_text),
    "args": _args,
    "target": _target,
    "network": _network,
    "additional_contexts": refused(
        "build-context",
        msg("Additional contexts can be folders of the host or foreign images."),
        msg("Put the files below context:, or copy from another stage or image with COPY --from."),
    ),
    "cache_from": _CACHE,
    "cache_to": _CACHE,
    "ssh": _SECRETS,
    "secrets": _SECRETS,
    "entitlements": refused("privileged", msg("A build must not ask for rights on the host.")),
    "privileged": refused_if_true(
        "privileged", msg("A privileged build has the whole machine."), msg("Remove privileged:.")
    ),
    "isolation": refused("isolation", msg("Isolation is an attribute of Windows.")),
    "labels": _LEFT_OUT,
    "tags": dropped(msg("Built images get names of the grader's own.")),
    "extra_hosts": _LEFT_OUT,
    "shm_size": dropped(),
    "ulimits": dropped(),
    "no_cache": dropped(),
    "pull": dropped(),
    "platforms": dropped(msg("The platform is that of the grader's machine.")),
    "provenance": _LEFT_OUT,
    "sbom": _LEFT_OUT,
}


def judge_build(scope: Scope, node: Node) -> Build | None:
    """Judge a service's `build` in either form; returns None after a complaint."""
    if isinstance(node, Scalar):
        node = Mapping({"context": Entry(node, node.line or scope.line)}, node.line)
    found = judge_mapping(scope, node, BUILD)
    inner = scope.at("context", _line(node, "context"))
    context = found.get("context", ".")
    if _REMOTE.match(context):
        inner.error(
            "build-context", msg("The context %(context)s is not a folder of the submission.", context=context[:100])
        )
        return None
    folder = inside(inner, context)
    if folder is None:
        return None
    if not folder.is_dir():
        inner.error(
            "build-context-missing",
            msg("The folder %(folder)s is not in the submission.", folder=relative(inner, folder)),
        )
        return None
    if "dockerfile_inline" in found:
        inner = scope.at("dockerfile_inline", _line(node, "dockerfile_inline"))
    elif "dockerfile" in found:
        inner = scope.at("dockerfile", _line(node, "dockerfile"))
    read = _dockerfile(inner, scope, found, context, relative(scope, folder))
    if read is None:
        return None
    data, file, place = read
    _judge_ignored(place, scope.project.root / file, folder)
    arguments = found.get("args", {})
    also = partial(judge_stage_under_test, place) if place.under_test else None
    judged = judge_dockerfile(place, data, arguments, found.get("target", ""), also=also)
    if judged is None:
        return None
    target = found.get("target", "")
    if target and judged.stages.find(target) is None:
        scope.at("target", _line(node, "target")).error(
            "build-target", msg("The Dockerfile has no stage called %(target)s.", target=target[:60])
        )
    return Build(
        service=scope.service,
        context=relative(scope, folder),
        dockerfile=file,
        text=judged.text,
        base_images=judged.base_images,
        root=judged.root,
        health=judged.health,
        line=place.place.line,
        target=target,
        args=arguments,
        files=judged.files,
    )


def _judge_ignored(at: Scope, dockerfile: Path, context: Path) -> None:
    """Judge the file that says what does not go into the context."""
    found = dockerignore.find(dockerfile, context)
    path = found.resolve() if found else None
    if path is None or not path.is_relative_to(at.project.root):
        return
    at = Scope(at.project, at.path, 0, at.service, at.sink, relative(at, path))
    data = read_bytes(at, path, dockerignore.MAX_BYTES)
    try:
        patterns = dockerignore.read(data or b"").patterns
    except dockerignore.IgnoreError as error:
        line_of(at, error.line).error("dockerignore-pattern", error.message)
        return
    for pattern in patterns:
        if pattern.windows:
            line_of(at, pattern.line).warn(
                "path-backslash",
                msg(
                    "%(file)s is read with / in place of \\, which is a path on Windows only.", file=pattern.text[:120]
                ),
                msg("Write paths with /: it works everywhere."),
            )


def _line(node: Node, name: str) -> int:
    entry = node.entries.get(name) if isinstance(node, Mapping) else None
    return entry.line if entry else 0


def _dockerfile(
    at: Scope, scope: Scope, found: dict[str, Any], context: str, folder: str
) -> tuple[bytes, str, Scope] | None:
    """Return the Dockerfile's bytes, its name for messages, and its place."""
    inline = found.get("dockerfile_inline")
    if inline is not None:
        if "dockerfile" in found:
            at.error("dockerfile-twice", msg("dockerfile and dockerfile_inline exclude each other."))
        return inline.encode(), scope.project.file, at
    name = found.get("dockerfile", "Dockerfile")
    if _REMOTE.match(name):
        at.error("path-outside", msg("%(file)s lies outside of the submission.", file=name[:120]))
        return None
    path = inside(at, name, scope.project.root / folder)
    if path is None:
        return None
    if path.name == "Dockerfile" and not path.is_file() and path.with_name("dockerfile").is_file():
        path = path.with_name("dockerfile")  # as every builder
    file = relative(scope, path)
    if not path.is_file():
        near = nearest_file(path)
        at.error(
            "dockerfile-missing",
            msg(
                "There is no Dockerfile at %(file)s, which build: %(context)s of %(service)s needs.",
                file=file,
                context=context[:80],
                service=scope.service,
            ),
            msg("%(near)s is there: call it %(name)s, or write dockerfile: %(near)s.", near=near, name=path.name)
            if near
            else msg("Write it at that path, or correct the path under build:."),
        )
        return None
    data = read_bytes(at, path, MAX_BYTES)
    if data is None:
        return None
    return data, file, Scope(scope.project, scope.path, 0, scope.service, scope.sink, file)
