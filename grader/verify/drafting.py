"""A new entry of `mutants.yaml`, from a working copy of a reference that has the mistake in it.

The entry is appended as text, so that what stands in the file already stays as somebody wrote it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader import receiving, scratch
from grader.errors import UsageError
from grader.model.text import msg
from grader.policy.document import yaml_load
from grader.policy.document.nodes import plain
from grader.verify import edits, mutants, subjects
from grader.verify.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from grader.model.assignment import Assignment
    from grader.policy.document.nodes import Node
    from grader.verify.subjects import Subject


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a working copy has that its base has not.

    whole: files that edits do not express: new ones, rewritten ones, those that became a program. binary: changed files
    that are no text. lines: how many lines say all this.
    """

    edits: dict[str, tuple[Edit, ...]] = {}
    whole: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    binary: tuple[str, ...] = ()
    lines: int = 0


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that was written: where, on which base, and the files that differ."""

    file: Path
    line: int
    base: str
    files: tuple[str, ...]


def draft(assignment: Assignment, name: str, copy: Path, base: str | None = None) -> Draft:
    """Append the entry `name` for a working copy of `base`, or of the reference that it differs from least.

    Mistake and kills are left open. Raises UsageError, and writes nothing then.
    """
    file = subjects.declarations(assignment)
    bases = subjects.references(assignment)
    _free(name, file, bases)
    if not bases:
        raise UsageError(msg("%(assignment)s has no reference to differ from", assignment=assignment.id))
    if base is not None and base not in bases:
        raise UsageError(msg("There is no reference %(base)s; there are: %(known)s", base=base, known=", ".join(bases)))
    with scratch.folder("mutant") as folder:
        mine = _taken(copy, folder / "copy")
        found = {
            each: difference(_taken(bases[each].reference, folder / f"base-{each}"), mine)
            for each in ([base] if base else bases)
        }
        chosen = min(found, key=lambda each: found[each].lines)
        differs = found[chosen]
        if differs.binary:
            raise UsageError(
                msg(
                    "%(path)s is no text, so that no edit can say how it differs from that of %(base)s; leave it as it "
                    "was there, and lay the changed one into %(folder)s afterwards",
                    path=str(copy / differs.binary[0]),
                    base=chosen,
                    folder=str(file.parent / name),
                )
            )
        files = (*differs.edits, *differs.whole, *differs.removed)
        if not files:
            raise UsageError(msg("%(copy)s does not differ from %(base)s", copy=str(copy), base=chosen))
        before = file.read_text("utf-8") if file.is_file() else ""
        before += "\n" if before and not before.endswith("\n") else ""
        before += "\n" if before else ""
        text = before + entry(name, chosen, differs)
        _loaded(text, file)  # the form that the file has may not allow what is appended
        for path in differs.whole:
            target = file.parent / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(mine[path], target)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return Draft(file=file, line=before.count("\n") + 1, base=chosen, files=files)


def difference(base: Mapping[str, Path], mine: Mapping[str, Path]) -> Difference:
    """Return how files differ from those of a base, both by their path."""
    edited: dict[str, tuple[Edit, ...]] = {}
    whole, binary, lines = [], [], 0
    for path, source in mine.items():
        content = source.read_bytes()
        if path in base and _executable(base[path]) == _executable(source):
            if base[path].read_bytes() == content:
                continue
            try:
                old, new = base[path].read_bytes().decode("utf-8"), content.decode("utf-8")
            except UnicodeDecodeError:
                binary.append(path)
                continue
            if (found := _edits(old, new)) is not None:
                edited[path] = found
                lines += sum(each.old.count("\n") + each.new.count("\n") + 2 for each in found)
                continue
        whole.append(path)
        lines += content.count(b"\n") + 1
    removed = tuple(path for path in base if path not in mine)
    return Difference(
        edits=edited,
        whole=tuple(whole),
        removed=removed,
        binary=tuple(binary),
        lines=lines + len(removed) + len(binary),
    )


def _edits(old: str, new: str) -> tuple[Edit, ...] | None:
    """Return the edits, or None where the file itself says it in fewer lines."""
    try:
        found = edits.between(old, new)
    except ValueError:
        return None
    said = sum(len(side.splitlines()) for each in found for side in (each.old, each.new))
    return found if said < len(new.splitlines()) else None


def entry(name: str, base: str, differs: Difference) -> str:
    """Return the entry as it is written, with a mistake and kills that are still to be said."""
    lines = [f"{name}:", f"  base: {base}", '  mistake: {es: "", en: ""}']
    lines += written(differs.edits)
    lines.append("  kills: {}  # check: reason code")
    if differs.removed:
        lines.append(f"  removed: [{', '.join(_inline(path) for path in differs.removed)}]")
    return "\n".join(lines) + "\n"


def written(changes: Mapping[str, Sequence[Edit]]) -> list[str]:
    """Return the lines of an entry's edits."""
    lines = ["  edits:"] if changes else []
    for path, each in changes.items():
        lines.append(f"    {_inline(path)}:")
        for edit in each:
            for mark, key, text in (("- ", "old", edit.old), ("  ", "new", edit.new)):
                lines += f"      {mark}{key}: {_scalar(text, 10)}".split("\n")
    return lines


def _scalar(text: str, indent: int) -> str:
    """Return YAML for a text below a key: a block where it has several lines, else as little as is understood."""
    if text.endswith("\n") and text.strip():
        first = next(line for line in text.split("\n") if line.strip())
        header = "|2" if first.startswith(" ") else "|"
        block = "\n".join(" " * indent + line if line else "" for line in text[:-1].split("\n"))
        if _means(f"{header}\n{block}", text, indent):
            return f"{header}\n{block}"
    return _inline(text)


def _inline(text: str) -> str:
    for candidate in (text, f'"{text}"', f"'{text}'"):
        if "\n" not in candidate and _means(candidate, text, 2):
            return candidate
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _means(yaml: str, text: str, indent: int) -> bool:
    """Say whether YAML reads as this text, as a value in a list's mapping as well as in a list in brackets."""
    try:
        value = plain(yaml_load.load(f"{' ' * (indent - 4)}- k: {yaml}\n".encode()))
        flow = "\n" in yaml or plain(yaml_load.load(f"[{yaml}]\n".encode())) == [text]
    except yaml_load.YamlError:
        return False
    return value == [{"k": text}] and flow


def _free(name: str, file: Path, bases: Mapping[str, Subject]) -> None:
    if not mutants.NAME.fullmatch(name):
        raise UsageError(msg("%(name)s: a name is made of a-z, 0-9 and hyphens, as that of a folder", name=name))
    declared: object = plain(_loaded(file.read_text("utf-8"), file)) if file.is_file() else {}
    taken = {*bases, *(declared if isinstance(declared, dict) else ())}
    if name in taken or (file.parent / name).exists():
        raise UsageError(msg("There is a %(name)s already; take another name", name=name))


def _loaded(text: str, file: Path) -> Node:
    try:
        return yaml_load.load(text.encode("utf-8"))
    except yaml_load.YamlError as error:
        said = error.message.msgid % error.message.params
        raise UsageError(msg("%(at)s: %(error)s", at=f"{file}:{error.line}", error=said)) from error


def _taken(folder: Path, into: Path) -> dict[str, Path]:
    """Return the files of a working copy as a grading takes them in: without what tools leave there."""
    root = Path(receiving.receive(folder, into).root)
    return {path.relative_to(root).as_posix(): path for path in _files(root)}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o111)
