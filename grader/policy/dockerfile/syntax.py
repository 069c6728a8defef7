"""Reading a Dockerfile into instructions: directives, continuation lines, heredocs; and writing it back canonically.

Written by us because what is judged must be what runs: the packages that parse Dockerfiles in Python match by line and
know neither `# escape` nor heredocs, and an old engine's frontend takes a heredoc's body for instructions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from grader.model.text import Text, msg
from grader.policy.dockerfile.words import json_words, split

MAX_BYTES = 60 * 1024  # frontends read lines of at most 64 KiB, and continuation lines are joined here
_BLANKS = " \t"
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z")
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_HEREDOC = re.compile(
    r"\d*<<(?P<chomp>-?)(?P<mark>[\"']?|\\)(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)(?P<end>[\"']?)\Z", re.ASCII
)
_ANY_HEREDOC = re.compile(r"\d*<<-?[^<]+\Z", re.ASCII)
_HEREDOC_TAKERS = frozenset({"RUN", "COPY", "ADD"})
_KEYWORD = re.compile(r"[ \t]*(\S+)[ \t]*")
_FLAG = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?:=(\"[^\s\"]*\"|'[^\s']*'|[^ \t]*))?(?:[ \t]+|\Z)")
# Blanks that only some builders take for such, and characters that no text needs.
_NO_TEXT = re.compile("[\x00\udc80-\udcff]")
_ODD = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\x85\u2028\u2029]")


class DockerfileError(Exception):
    """The Dockerfile cannot be taken: a stable code, the line (from 1), what is wrong."""

    def __init__(self, code: str, line: int, message: Text) -> None:
        super().__init__(code)
        self.code = code
        self.line = line
        self.message = message


@dataclass(slots=True)
class Heredoc:
    """A here-document: its name, whether its body is literal, and the body."""

    name: str
    literal: bool
    chomp: bool
    body: str


@dataclass(slots=True)
class Instruction:
    """One instruction: its keyword in upper case, flags, the rest of its logical line, its first line.

    added: it is ours, for the sake of what stands on that line.
    """

    keyword: str
    flags: list[tuple[str, str]]
    rest: str
    line: int
    heredocs: list[Heredoc] = field(default_factory=list)
    added: bool = False

    def write(self) -> str:
        """Return the instruction on one line."""
        flags = "".join(f"--{name}={value} " if value else f"--{name} " for name, value in self.flags)
        return f"{self.keyword} {flags}{self.rest}".rstrip()


@dataclass(slots=True)
class Dockerfile:
    """The instructions in their order, the escape character, the frontend that a `syntax` directive asks for."""

    instructions: list[Instruction]
    escape: str = "\\"
    syntax: str = ""
    syntax_line: int = 0


def parse(data: bytes) -> Dockerfile:
    """Return the instructions of a Dockerfile. Raises DockerfileError."""
    if len(data) > MAX_BYTES:
        raise DockerfileError(
            "dockerfile-too-large", 0, msg("The Dockerfile is larger than %(limit)d KiB.", limit=MAX_BYTES >> 10)
        )
    text = data.decode("utf-8-sig", "surrogateescape")
    lines = [re.sub(r"[\r\v\f]", " ", line) for line in text.replace("\r\n", "\n").split("\n")]
    for number, line in enumerate(lines, 1):
        if _NO_TEXT.search(line) and not line.lstrip(_BLANKS).startswith("#"):  # no builder reads a comment
            raise _not_text(number)
        if _ODD.search(line):
            raise DockerfileError("dockerfile-syntax", number, msg("A control character stands on this line."))
    found = Dockerfile([])
    start = _directives(found, lines)
    _Reader(found, lines).run(start)
    return found


def _not_text(line: int) -> DockerfileError:
    return DockerfileError("not-utf8", line, msg("The file is not text in UTF-8."))


def _directives(found: Dockerfile, lines: list[str]) -> int:
    """Read the parser directives at the top; returns the first line behind them."""
    first = 1 if lines and lines[0].startswith("#!") else 0
    seen: set[str] = set()
    for at in range(first, len(lines)):
        match = _DIRECTIVE.match(lines[at].strip())
        if not match:
            return at
        name, value = match[1].lower(), match[2]
        if name not in _DIRECTIVES:  # an ordinary comment, after which none is a directive
            return at
        if name in seen:
            raise DockerfileError(
                "dockerfile-syntax", at + 1, msg("The directive %(name)s stands here twice.", name=name)
            )
        seen.add(name)
        if name == "escape":
            if value not in {"\\", "`"}:
                raise DockerfileError("dockerfile-syntax", at + 1, msg("The escape character must be \\ or `."))
            found.escape = value
        elif name == "syntax":
            found.syntax, found.syntax_line = value, at + 1
    return len(lines)


class _Reader:
    def __init__(self, found: Dockerfile, lines: list[str]) -> None:
        self.found = found
        self.lines = lines
        mark = re.escape(found.escape)
        self.continued = re.compile(rf"(?:^|[^{mark}]){mark}[ \t]*$")
        self.doubled = re.compile(rf"{mark}{mark}[ \t]*$")

    def run(self, at: int) -> None:
        while at < len(self.lines):
            line = self.lines[at].strip(_BLANKS)
            if not line or line.startswith("#"):
                at += 1
                continue
            logical, end = self._logical(at)
            if not logical:
                at = end
                continue
            instruction = _instruction(logical, at + 1)
            at = self._heredocs(instruction, end)
            self.found.instructions.append(instruction)

    def _logical(self, at: int) -> tuple[str, int]:
        """Join the continuation lines that begin at `at`; returns the text and the next line."""
        parts: list[str] = []
        while at < len(self.lines):
            line = self.lines[at]
            at += 1
            stripped = line.strip(_BLANKS)
            if parts and (not stripped or stripped.startswith("#")):
                continue  # comments and empty lines within an instruction do not end it
            if self.doubled.search(line):  # frontends disagree on whether this goes on
                raise DockerfileError(
                    "dockerfile-syntax", at, msg("A line must not end in a doubled escape character.")
                )
            match = self.continued.search(line)
            if not match:
                parts.append(line)
                break
            parts.append(line.rstrip(_BLANKS)[:-1])
        return "".join(parts).strip(_BLANKS), at

    def _heredocs(self, instruction: Instruction, at: int) -> int:
        taker = instruction if instruction.keyword != "ONBUILD" else inner(instruction)
        if taker.keyword not in _HEREDOC_TAKERS or "<<" not in taker.rest or json_words(taker.rest) is not None:
            return at
        for word in split(taker.rest) or []:
            if not _ANY_HEREDOC.match(word):
                continue
            match = _HEREDOC.match(word)
            if not match or match["end"] != match["mark"].replace("\\", ""):
                raise DockerfileError(
                    "dockerfile-heredoc", instruction.line, msg("The here-document on this line cannot be read.")
                )
            name, chomp = match["name"], bool(match["chomp"])
            body, at = self._body(instruction, at, name, chomp=chomp)
            instruction.heredocs.append(Heredoc(name, bool(match["mark"]), chomp, body))
        return at

    def _body(self, instruction: Instruction, at: int, name: str, *, chomp: bool) -> tuple[str, int]:
        """Return the text of a here-document that begins at `at`, and the line behind its end."""
        body: list[str] = []
        while at < len(self.lines):
            line = self.lines[at].lstrip("\t") if chomp else self.lines[at]
            at += 1
            if _NO_TEXT.search(line):  # what looks like a comment is text here
                raise _not_text(at)
            if line == name:
                return "".join(body), at
            body.append(f"{line}\n")
        raise DockerfileError(
            "dockerfile-heredoc", instruction.line, msg("The here-document %(name)s is not closed.", name=name)
        )


def inner(instruction: Instruction) -> Instruction:
    """Return the instruction that stands behind ONBUILD."""
    if not instruction.rest:
        return Instruction("", [], "", instruction.line)
    found = _instruction(instruction.rest, instruction.line)
    found.heredocs = instruction.heredocs
    return found


def trigger(text: str) -> Instruction | None:
    """Return an instruction that an image keeps for what is built on it; None if it is not one on one plain line."""
    try:
        found = parse(b"FROM x\nONBUILD " + text.encode()).instructions
        what = inner(found[1]) if len(found) == 2 else None
    except DockerfileError:
        return None
    return None if what is None or what.heredocs or not what.rest or "\n" in text else what


def _instruction(text: str, line: int) -> Instruction:
    match = _KEYWORD.match(text)
    keyword, rest = (match[1], text[match.end() :]) if match else ("", "")
    flags: list[tuple[str, str]] = []
    at = 0
    while match := _FLAG.match(rest, at):
        value = match[2] or ""
        flags.append((match[1], value[1:-1] if value[:1] in {'"', "'"} else value))
        at = match.end()
    rest = rest[at:]
    if rest.startswith("--") or any(c in value for _, value in flags for c in "\"'`\\"):
        raise DockerfileError(
            "dockerfile-flag", line, msg("The options of %(keyword)s cannot be read.", keyword=keyword[:20])
        )
    return Instruction(keyword.upper() if keyword.isascii() else keyword, flags, rest, line)


def write(dockerfile: Dockerfile) -> str:
    """Return a canonical text in which every instruction stands on the line where the student wrote it."""
    out: list[str] = []
    if dockerfile.escape != "\\":
        out.append(f"# escape={dockerfile.escape}")
    for instruction in dockerfile.instructions:
        while len(out) < instruction.line - 1:
            out.append("")
        out.append(instruction.write())
    return "\n".join(out) + "\n"
