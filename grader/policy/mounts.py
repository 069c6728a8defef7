"""Mounts: nothing of the host; files become contents, folders become volumes that are filled before the start."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grader.model.plan import VolumeContent
from grader.model.text import msg
from grader.policy.document.nodes import Mapping, Node, Scalar
from grader.policy.files import file_config, inside, relative
from grader.policy.rules import DROP, Table, dropped, items, judge_mapping, nested, refused, value
from grader.policy.values import as_bool, as_bytes, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.brokers.rules import Rules
    from grader.policy.scope import Scope

TMPFS_CAP = 256 << 20
MAX_MOUNTS = 50
_SYSTEM = ("/proc", "/sys", "/dev")
_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt")
_CONFIGURATION = ("/usr/local/etc",)  # where some images document their configuration
_LOADER = re.compile(r"/etc(/(ld\.so\.[^/]*(/.*)?|alternatives(/.*)?))?\Z", re.DOTALL)  # what the loader reads
_MODES = frozenset({
    "ro", "rw", "z", "Z", "cached", "delegated", "consistent", "nocopy", "private", "rprivate",
})  # fmt: skip
_VOLUME_NAME = re.compile(r"(?:[a-zA-Z0-9]|_(?!_))[a-zA-Z0-9_.-]*\Z")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_ROOTED = re.compile(r"[./~\\]|[A-Za-z]:[\\/]")


def container_path(scope: Scope, target: str) -> str | None:
    """Return an absolute path of a container in normal form, outside of what the system has there; None if it is not.

    /proc leads to what the container's own start has opened, so it is nobody's folder either.
    """
    parts = target.split("/")
    if not target.startswith("/") or ".." in parts or any(c in target for c in ":,\x00") or len(target) > 255:
        scope.error("mount-target", msg("%(target)s is no absolute path in a container.", target=target[:80]))
        return None
    clean = "/" + "/".join(p for p in parts if p not in {"", "."})
    if clean == "/" or _below(clean, _SYSTEM):
        scope.error("mount-target", msg("Nothing may be mounted at %(target)s.", target=clean))
        return None
    return clean


def judge_target(scope: Scope, target: str) -> str | None:
    """Return a mount's target in normal form, or None after saying why nothing may be mounted there."""
    clean = container_path(scope, target)
    if clean is None:
        return None
    if scope.under_test and holds_programs(clean, scope.rules):
        scope.error(
            "witness-covered",
            msg(
                "Nothing may be mounted over the programs of %(service)s (%(target)s).",
                service=scope.service,
                target=clean,
            ),
            msg("Mount configuration below /etc and data where the image keeps its data."),
        )
        return None
    return clean


def holds_programs(path: str, rules: Iterable[Rules]) -> bool:
    """Say whether a path (in normal form) of a broker's image holds its programs, or what decides which of them run."""
    if _LOADER.match(path) or any(r.programs and re.match(r.programs, path, re.DOTALL) for r in rules):
        return True
    return _below(path, _PROGRAMS) and not _below(path, _CONFIGURATION)


def _below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == r or path.startswith(r + "/") for r in roots)


def judge_volumes(scope: Scope, node: Node) -> list[dict[str, Any]]:
    """Judge a service's `volumes`; returns long forms, with `type: config` standing for a file (see `split`)."""
    emitted: list[dict[str, Any]] = []
    if len(items(node)) > MAX_MOUNTS:
        scope.error("too-many", msg("%(path)s has more than %(limit)d entries.", path=scope.path, limit=MAX_MOUNTS))
        return emitted
    for i, item in enumerate(items(node)):
        inner = scope.at(i, item.line)
        mount = _long(inner, item) if isinstance(item, Mapping) else _short(inner, item)
        if mount:
            emitted.append(mount)
    return _once(scope, emitted)


def _once(scope: Scope, mounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of two mounts at one place the later one counts, as in Compose."""
    by_target = {mount["target"]: mount for mount in mounts}
    for mount in mounts:
        if by_target[mount["target"]] is not mount:
            scope.notice(
                "mount-replaced", msg("The first mount at %(target)s gives way to a later one.", target=mount["target"])
            )
    return list(by_target.values())


def _short(scope: Scope, node: Node) -> dict[str, Any] | None:
    text = as_text(scope, node)
    if text is None or _one_letter(scope, text):
        return None
    drive = _DRIVE.match(text)
    parts = text.split(":") if not drive else [text[:2] + text[2:].split(":")[0], *text[2:].split(":")[1:]]
    if len(parts) == 1:
        target = judge_target(scope, text)
        return {"type": "volume", "target": target} if target else None
    if len(parts) > 3:
        scope.error("mount-syntax", msg("%(mount)s has too many colons for a mount.", mount=text[:120]))
        return None
    modes = set(parts[2].split(",")) if len(parts) == 3 else set()
    if modes - _MODES:
        scope.error("mount-mode", msg("%(mode)s is not a mode of a mount here (ro, rw).", mode=parts[2][:60]))
        return None
    target = judge_target(scope, parts[1])
    if target is None or _clock(scope, parts[0], target):
        return None
    if parts[0].startswith((".", "/", "~", "\\")) or drive:
        mount = _bind(scope, parts[0], target)
    else:
        mount = _named(scope, parts[0], target)
    if mount and "ro" in modes and mount["type"] == "volume":
        mount["read_only"] = True
    if mount and "nocopy" in modes and mount["type"] == "volume":
        mount["volume"] = {"nocopy": True}
    return mount


def _one_letter(scope: Scope, text: str) -> bool:
    """Say whether this is a volume of one letter, which Compose cannot tell from a drive; complains if so."""
    found = re.fullmatch(r"[A-Za-z]:/[^:]*(:r[ow])?", text) is not None and text[0] in scope.project.volume_names
    if found:
        scope.error(
            "mount-target",
            msg("Compose takes %(name)s for a drive of Windows, not for a volume.", name=text[:2]),
            msg("Give the volume a name of at least two letters."),
        )
    return found


def _clock(scope: Scope, source: str, target: str) -> bool:
    """Say whether this is the host's time zone, which is mounted by habit: without it a container keeps UTC."""
    clock = source == target and target in {"/etc/localtime", "/etc/timezone"}
    if clock:
        scope.notice("attribute-dropped", msg("The time zone of the machine is not mounted; containers keep UTC."))
    return clock


def _named(scope: Scope, name: str, target: str) -> dict[str, Any] | None:
    if not _VOLUME_NAME.match(name):
        scope.error("volume-name", msg("%(name)s is not the name of a volume.", name=name[:80]))
        return None
    if name not in scope.project.volume_names:
        scope.error(
            "volume-undeclared",
            msg("The volume %(name)s is not declared.", name=name),
            msg("Declare it under volumes: at the top level, or write ./%(name)s for a folder.", name=name),
        )
        return None
    if name in scope.project.bound_volumes:
        return _bind(scope, scope.project.bound_volumes[name], target)
    scope.project.used_volumes.add(name)
    return {"type": "volume", "source": name, "target": target}


def _bind(scope: Scope, source: str, target: str) -> dict[str, Any] | None:
    """Turn a bind mount of something in the submission into a volume or a file's content."""
    if source.rstrip("/").endswith("docker.sock"):
        scope.error(
            "docker-socket",
            msg("The Docker socket gives a container the whole machine."),
            msg("Remove the mount; no exercise needs it."),
        )
        return None
    if source.startswith(("/", "~", "\\")) or _DRIVE.match(source):
        scope.error(
            "bind-outside",
            msg("%(source)s is a path of the host, outside of the submission.", source=source[:120]),
            msg("Use a named volume, or a path that begins with ./ inside of the submission."),
        )
        return None
    path = inside(scope, source)
    if path is None:
        return None
    if path.is_file():
        config = file_config(scope, path)
        if config is None:
            return None
        scope.notice(
            "bind-copied", msg("The file %(source)s is copied into the container, not mounted.", source=source)
        )
        return {"type": "config", "source": config[0], "target": target, "mode": config[1]}
    return _folder(scope, relative(scope, path), target, path.is_dir())


def _folder(scope: Scope, source: str, target: str, exists: bool) -> dict[str, Any]:
    project = scope.project
    known = next((f.volume for f in project.volume_contents if f.source == source), None)
    if known is None:
        known = f"fill-{len(project.volume_contents) + 1}"
        while known in project.volume_names:
            known += "x"
        project.volume_contents.append(VolumeContent(volume=known, source=source))
        said = source in project.left_behind
        if exists and not said:
            scope.notice(
                "bind-copied", msg("The folder %(source)s is copied into a volume, not mounted.", source=source)
            )
        elif not said:
            scope.notice(
                "bind-source-missing",
                msg("The folder %(source)s is not in the submission; it starts empty.", source=source),
            )
    project.used_volumes.add(known)
    # a bind mount hides what the image has there, so nothing of the image is copied into the volume
    return {"type": "volume", "source": known, "target": target, "volume": {"nocopy": True}}


def _subpath(scope: Scope, node: Node) -> Any:
    text = as_text(scope, node)
    if text is not None and (text.startswith("/") or ".." in text.split("/")):
        scope.error("mount-subpath", msg("%(path)s is not a folder inside of the volume.", path=text[:80]))
        return DROP
    return DROP if text is None else text


def _propagation(scope: Scope, node: Node) -> Any:
    if as_text(scope, node) not in {"", "private", "rprivate"}:
        scope.error("mount-propagation", msg("Mount propagation reaches outside of the container."))
    return DROP


_BIND: Table = {
    "propagation": _propagation,
    "create_host_path": dropped(),
    "selinux": dropped(),
    "recursive": dropped(),
}
_VOLUME: Table = {"nocopy": value(as_bool), "subpath": _subpath, "labels": dropped()}
_TMPFS: Table = {"size": value(as_bytes), "mode": dropped()}
_LONG: Table = {
    "type": value(as_text),
    "source": value(as_text),
    "target": value(as_text),
    "read_only": value(as_bool),
    "consistency": dropped(),
    "bind": nested(_BIND),
    "volume": nested(_VOLUME),
    "tmpfs": nested(_TMPFS),
    "image": refused("mount-type", msg("A mount of an image is not allowed.")),
}


def _long(scope: Scope, node: Mapping) -> dict[str, Any] | None:
    found = judge_mapping(scope, node, _LONG)
    kind = found.get("type")
    target = judge_target(scope, found.get("target", ""))
    source = found.get("source", "")
    if kind not in {"bind", "volume", "tmpfs"}:
        scope.error("mount-type", msg("A mount of type %(type)s is not allowed.", type=str(kind)[:40]))
        return None
    if target is None:
        return None
    if kind == "tmpfs":
        size = min(found.get("tmpfs", {}).get("size") or TMPFS_CAP, TMPFS_CAP)
        return {"type": "tmpfs", "target": target, "tmpfs": {"size": size}}
    if kind == "bind" and not source:
        scope.error("mount-syntax", msg("A mount of type bind names no source."))
        return None
    if kind == "bind" and _clock(scope, source, target):
        return None
    if kind == "bind":
        mount = _bind(scope, source if _ROOTED.match(source) else f"./{source}", target)
    elif source:
        mount = _named(scope, source, target)
    else:
        mount = {"type": "volume", "target": target}
    if mount and mount["type"] == "volume":
        if found.get("read_only"):
            mount["read_only"] = True
        if kind == "volume" and found.get("volume"):
            mount["volume"] = found["volume"]
    return mount


def judge_tmpfs(scope: Scope, node: Node) -> list[str]:
    """Judge the service attribute `tmpfs`: a size of at most 256 MiB, no options that matter."""
    emitted = []
    for i, item in enumerate(items(node)[:MAX_MOUNTS]):
        inner = scope.at(i, item.line)
        text = as_text(inner, item) if isinstance(item, Scalar) else None
        if text is None:
            continue
        path, _, options = text.partition(":")
        shared_memory = path.rstrip("/") == "/dev/shm"  # noqa: S108 - of the container, which has it anyway
        target = path if shared_memory else judge_target(inner, path)
        size = TMPFS_CAP
        for option in options.split(","):
            name, _, given = option.partition("=")
            if name == "size" and given and given[-1] != "%":
                size = min(as_bytes(inner, Scalar(given, item.line)) or TMPFS_CAP, TMPFS_CAP)
            elif name in {"exec", "suid", "dev"}:
                inner.notice("attribute-dropped", msg("The option %(name)s is left out.", name=name))
        if target and not shared_memory:
            emitted.append(f"{target}:size={size}")
    return emitted


def split(mounts: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (volumes, configs) of a service: files travel as configs."""
    volumes = [m for m in mounts if m["type"] != "config"]
    configs = [{k: v for k, v in m.items() if k != "type"} for m in mounts if m["type"] == "config"]
    return volumes, configs
