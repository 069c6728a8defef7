"""Programs of a submission that Linux does not run: line ends of Windows, no x bit, no or another machine's format.

The words are those of the engine and of the shells of the usual images; what they name is looked up in the files, and
only what is seen there is said.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from grader.model.text import Text, msg
from grader.stack.causes.cause import Cause, Sources

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from grader.model.plan import Build

_WHY = (
    r"(?P<why>no such file or directory|not found|permission denied|exec format error|executable file not found"
    r"|required file not found|cannot execute binary file|(?:\S+: )?bad interpreter)"
)
_NOT_RUN = (
    # the engine: `exec /x: why`, `exec: "x": why`, `exec: "x": stat x: why`
    re.compile(rf'\bexec:? "?(?P<path>[^\s":]+)"?: (?P<absent>stat \S+: )?{_WHY}', re.IGNORECASE),
    # shells: `sh: 1: x: why`, `start.sh: line 8: x: why`, `sh: exec: line 0: x: why`
    re.compile(
        rf"^(?:\S*sh|\S*/\S+|\S+\.\w+): (?:(?:exec|line \d+|\d+): )*(?P<path>[^\s:]+): (?:cannot execute: )?{_WHY}",
        re.IGNORECASE,
    ),
)
# What a carriage return looks like, or where lines of a log are torn by one.
_RETURN = re.compile(r"\\r|\r|\^M|illegal option -$|: set: -$|^env: can't execute '\w+$", re.IGNORECASE)
_NAMED = re.compile(r"^(?P<path>[^\s:]+): ")
_HEAD = 256
_LINE_CHARS = 500
_MARK = b"\xef\xbb\xbf"
# e_machine of ELF
_MACHINES = {0x03: "386", 0x28: "arm", 0x3E: "amd64", 0xB7: "arm64", 0xF3: "riscv64"}


def cause(words: Iterable[str], sources: Sources, service: str) -> Cause | None:
    """Return why a program of the submission was not run, None where its files say nothing of it.

    words: lines of a container's log, of Compose or of a build.
    """
    build = sources.build(service)
    for line in (word[:_LINE_CHARS] for word in words):
        for match in filter(None, (pattern.search(line) for pattern in _NOT_RUN)):
            path, why = match["path"], match["why"].lower()
            certain = not match.groupdict().get("absent") and (line.lstrip().startswith("exec ") or "required" in why)
            for file in sources.named(posixpath.basename(path), build):
                if found := _judged(sources, build, file, path, why, certain=certain):
                    return found
        if _RETURN.search(line) and (file_ := _torn(sources, build, line)):
            return _line_ends(sources, build, file_, "")
    return None


def _judged(sources: Sources, build: Build | None, file: Path, path: str, why: str, *, certain: bool) -> Cause | None:
    """Return what a file says of why it was not run. certain: whether it was there to be run."""
    with file.open("rb") as reader:
        head = reader.read(_HEAD)
    first = head.split(b"\n", 1)[0]
    if why == "permission denied":
        return None if file.stat().st_mode & 0o111 else _no_x_bit(sources, build, file, path)
    if "format" in why or "binary" in why:
        return _format(sources, file, head)
    if head.startswith(b"#!") and first.endswith(b"\r"):
        return _line_ends(sources, build, file, path)
    if head.startswith(b"#!") and certain:
        name = sources.relative(file)
        program = first[2:].strip().decode("utf-8", "replace")[:60]
        return Cause(
            message=msg(
                "%(file)s begins with #!%(program)s, which its image does not have.", file=name, program=program
            ),
            remedy=msg(
                "Write #!/bin/sh as the first line of %(file)s, or install the program in the image.", file=name
            ),
            file=name,
            line=1,
        )
    return None


def _torn(sources: Sources, build: Build | None, line: str) -> Path | None:
    """Return the script with Windows' line ends that a line with a carriage return is about."""
    if not (named := _NAMED.match(line)):
        return None
    name = posixpath.basename(named["path"])
    if name != "env":
        return next((file for file in sources.named(name, build) if _crlf(file)), None)
    # env names the program that it does not find, and not who asks for it
    return next((file for file in sources.context(build) if _crlf(file) and _begins(file, b"#!")), None)


def _begins(file: Path, mark: bytes) -> bool:
    with file.open("rb") as reader:
        return reader.read(len(mark)) == mark


def _crlf(file: Path) -> bool:
    with file.open("rb") as reader:
        return reader.readline(4096).endswith(b"\r\n")


def _line_ends(sources: Sources, build: Build | None, file: Path, path: str) -> Cause:
    name = sources.relative(file)
    line_feeds = msg(
        "Save %(file)s with line ends LF (in VS Code: CRLF at the bottom right), and write *.sh text eol=lf into "
        ".gitattributes.",
        file=name,
    )
    in_image = msg(
        "Save %(file)s with line ends LF (in VS Code: CRLF at the bottom right), or write into %(dockerfile)s, behind "
        "the line that copies it: RUN sed -i 's/\\r$//' %(path)s",
        file=name,
        dockerfile=build.dockerfile if build else "",
        path=path or file.name,
    )
    return Cause(
        message=msg("%(file)s has the line ends of Windows (CRLF), with which Linux does not run it.", file=name),
        remedy=in_image if build and sources.copied(file, build) else line_feeds,
        file=name,
        line=1,
    )


def _no_x_bit(sources: Sources, build: Build | None, file: Path, path: str) -> Cause:
    name = sources.relative(file)
    message = msg(
        "%(file)s may not be executed: it has no x bit, which an archive made on Windows does not carry.", file=name
    )
    if build and (line := sources.copied(file, build)):
        remedy = msg(
            "Write into %(dockerfile)s, behind line %(line)d that copies it: RUN chmod +x %(path)s",
            dockerfile=build.dockerfile,
            line=line,
            path=path,
        )
        return Cause(message=message, remedy=remedy, file=build.dockerfile, line=line)
    remedy = msg("Start it with its program, as in command: sh %(path)s, or give it the bit: chmod +x.", path=path)
    return Cause(message=message, remedy=remedy, file=name)


def _format(sources: Sources, file: Path, head: bytes) -> Cause | None:
    name = sources.relative(file)
    if head.startswith(b"\x7fELF"):
        machine = _MACHINES.get(int.from_bytes(head[18:20], "big" if head[5:6] == b"\x02" else "little"), "?")
        return Cause(
            message=msg("%(file)s was built for another processor (%(machine)s).", file=name, machine=machine),
            remedy=msg("Build it in the Dockerfile instead of handing it in."),
            file=name,
        )
    if head.startswith((b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")):
        return Cause(
            message=msg("%(file)s is a program of another system, not of Linux.", file=name),
            remedy=msg("Build it in the Dockerfile instead of handing it in."),
            file=name,
        )
    if head.startswith(_MARK):
        return Cause(
            message=msg("%(file)s begins with a byte order mark, so Linux does not see its #! line.", file=name),
            remedy=msg("Save %(file)s as UTF-8 without BOM.", file=name),
            file=name,
            line=1,
        )
    if b"\0" in head or head.startswith(b"#!"):
        return None
    return Cause(
        message=msg("%(file)s does not say which program runs it.", file=name),
        remedy=_first_line(file),
        file=name,
        line=1,
    )


def _first_line(file: Path) -> Text:
    programs = {".py": "#!/usr/bin/env python3", ".js": "#!/usr/bin/env node"}
    return msg("Write %(line)s as its first line.", line=programs.get(file.suffix, "#!/bin/sh"))
