"""The instructor's own word, in `overrides.yaml` beside the journal; read when reports are made, never written.

ana:
  points: 85            # instead of the score that the checks gave
  comment: shown beside the grade
luis:
  excuse: true
"""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

import msgspec
import yaml

from grader.errors import UsageError
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

FILE = "overrides.yaml"
MAX_BYTES = 4_000_000
_KEYS = ("points", "comment", "excuse")


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """What the instructor says of one student; None and "" say nothing."""

    points: float | None = None
    comment: str = ""
    excuse: bool = False


def read(file: Path, students: Collection[str]) -> dict[str, Override]:
    """Return the overrides by student, nothing if there is no file.

    Raises UsageError with the line for what is not understood, and for a student whom the class does not have.
    """
    try:
        with file.open("rb") as stream:
            node = yaml.compose(stream.read(MAX_BYTES), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(msg("%(file)s is not YAML: %(error)s", file=str(file), error=str(error)[:300])) from error
    if node is None:
        return {}
    found: dict[str, Override] = {}
    for name, value in _pairs(file, node):
        if name.value in found:
            raise _wrong(file, name, msg("%(student)s is there twice", student=name.value))
        if name.value not in students:
            near = difflib.get_close_matches(name.value, students, n=1, cutoff=0.6)
            raise _wrong(
                file,
                name,
                msg(
                    "the class has no %(student)s (nearest: %(near)s)",
                    student=name.value,
                    near=near[0] if near else "-",
                ),
            )
        found[name.value] = _override(file, value)
    return found


def _override(file: Path, node: yaml.Node) -> Override:
    said = {key.value: (key, value) for key, value in _pairs(file, node)}
    for name, (key, _) in said.items():
        if name not in _KEYS:
            raise _wrong(file, key, msg("%(key)s is not one of points, comment, excuse", key=name))
    plain = {name: yaml.SafeLoader("").construct_object(value, deep=True) for name, (_, value) in said.items()}
    points = plain.get("points")
    if points is not None and (
        isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points < math.inf
    ):
        raise _wrong(file, said["points"][1], msg("points must be a number, 0 or more"))
    if not isinstance(plain.get("excuse", False), bool):
        raise _wrong(file, said["excuse"][1], msg("excuse must be true or false"))
    return Override(points=points, comment=str(plain.get("comment") or ""), excuse=plain.get("excuse", False))


def _pairs(file: Path, node: yaml.Node) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode) or not all(isinstance(k, yaml.ScalarNode) for k, _ in node.value):
        raise _wrong(file, node, msg("expected a student with points, comment or excuse below"))
    return node.value  # type: ignore[no-any-return]  # PyYAML does not say so


def _wrong(file: Path, node: yaml.Node, what: object) -> UsageError:
    line = node.start_mark.line + 1
    text = what.msgid % what.params if what.params else what.msgid  # type: ignore[attr-defined]  # a Text
    return UsageError(msg("%(file)s:%(line)d: %(what)s", file=str(file), line=line, what=text))
