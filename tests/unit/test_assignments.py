"""Loading assignments: what is read from the tests' source, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import assignments
from grader.errors import UsageError
from grader.i18n import render

if TYPE_CHECKING:
    from pathlib import Path

YAML = """
title: {{es: T, en: T}}
version: "1"
services: [{{name: api, role: http, port: 3000}}]
checks:
  - {{id: a.one, title: {{es: A, en: A}}, points: {points}, level: core, visibility: public}}
  - {{id: b.two, title: {{es: B, en: B}}, points: 40, level: robust, visibility: {visibility}}}
  - {{id: c.three, title: {{es: C, en: C}}, points: 5, level: bonus, visibility: hidden}}
"""
PUBLIC = '''
from grader import check

@check("a.one"{needs})
def test_a(stack):
    """Requisito.

    Requirement
    in two lines.
    """
'''
HIDDEN = '''
from grader import check

@check("b.two", needs="a.one")
def test_b(stack):
    """Otro.

    Other."""

@check("c.three", needs=("a.one", "b.two"))
def test_c(stack):
    """Tercero.

    Third."""
'''


def make(root: Path, *, points: int = 60, visibility: str = "hidden", needs: str = "", hidden: str = HIDDEN) -> Path:
    folder = root / "demo"
    for name, text in (("public", PUBLIC.format(needs=needs)), ("hidden", hidden)):
        (folder / name).mkdir(parents=True)
        (folder / name / f"test_{name}.py").write_text(text, "utf-8")
    (folder / "assignment.yaml").write_text(YAML.format(points=points, visibility=visibility), "utf-8")
    return root


def test_rubric_and_tests_meet(tmp_path: Path) -> None:
    """Points come from the rubric, needs and requirement from the test."""
    found = assignments.load("demo", make(tmp_path))
    assert [c.id for c in found.checks] == ["a.one", "b.two", "c.three"]
    assert found.check("c.three").needs == ("a.one", "b.two")
    assert found.check("a.one").requirement.es == "Requisito."
    assert found.check("a.one").requirement.en == "Requirement in two lines."


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"points": 59}, "not 100"),
        ({"visibility": "public"}, "elsewhere"),
        ({"needs": ', needs="b.two"'}, "must stand before"),
        ({"hidden": HIDDEN.replace('"c.three"', '"c.other"')}, "no test"),
        (
            {"hidden": HIDDEN + HIDDEN.replace('"c.three"', '"d.four"').replace('"b.two", needs', '"e.five", needs')},
            "no row",
        ),
    ],
)
def test_a_faulty_assignment_is_refused(tmp_path: Path, options: dict[str, str], words: str) -> None:
    """Each mistake of an author names itself."""
    with pytest.raises(UsageError) as caught:
        assignments.load("demo", make(tmp_path, **options))  # type: ignore[arg-type]
    message = caught.value.message
    assert words in message.msgid % message.params


def test_a_role_without_a_room_is_refused(tmp_path: Path) -> None:
    """The file, the service and the nearest role are named."""
    file = make(tmp_path) / "demo" / "assignment.yaml"
    file.write_text(file.read_text("utf-8").replace("role: http", "role: htp"), "utf-8")
    with pytest.raises(UsageError) as caught:
        assignments.load("demo", tmp_path)
    said = render(caught.value.message, "en")
    assert said.endswith("api has the role htp, which no room declares. Write one of: http.")


def test_a_service_says_what_its_role_is_told(tmp_path: Path) -> None:
    """What nobody would look at is no part of a contract."""
    file = make(tmp_path) / "demo" / "assignment.yaml"
    file.write_text(file.read_text("utf-8").replace("role: http,", "role: http, user: admin,"), "utf-8")
    with pytest.raises(UsageError) as caught:
        assignments.load("demo", tmp_path)
    said = render(caught.value.message, "en")
    assert said.endswith("api says user, and a service with the role http is told none. Take it out.")


def test_an_unknown_assignment_names_the_nearest(tmp_path: Path) -> None:
    """Did you mean ..."""
    with pytest.raises(UsageError) as caught:
        assignments.load("deom", make(tmp_path))
    assert caught.value.message.params["near"] == "demo"


@pytest.mark.parametrize("name", assignments.names())
def test_our_own_assignments_load(name: str) -> None:
    """Ids match, points add up, a public check needs no hidden one, about a third of the points is public."""
    found = assignments.load(name)
    public = sum(c.points for c in found.checks if c.visibility == "public")
    assert 25 <= public <= 45
    for spec in found.checks:
        assert spec.requirement.es != spec.requirement.en, spec.id
