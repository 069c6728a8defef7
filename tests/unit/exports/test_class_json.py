"""class.json: its shape, its schema, its documentation."""

from __future__ import annotations

import json
import types
import typing
from pathlib import Path

import jsonschema
import msgspec
import pytest

from grader.exports import class_json
from grader.presentation import class_stats
from tests.unit.reports import class_builders as classes
from tests.unit.reports.test_class_page import hostile

ROOT = Path(__file__).parents[3]
SCHEMA_FILE = Path(class_json.__file__).parent / "schema" / "class.v1.json"
CLASSES = {"small": classes.small, "empty": classes.book, "real": lambda: classes.generated(40), "hostile": hostile}


def test_schema_is_that_of_the_types() -> None:
    """The committed schema is made from the types (mend: scripts/schemas)."""
    assert json.loads(SCHEMA_FILE.read_text()) == class_json.json_schema()


@pytest.mark.parametrize("name", CLASSES)
def test_documents_fit_the_schema(name: str) -> None:
    """Every kind of class is valid."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    validator.validate(class_json.document(CLASSES[name]()))


def test_the_schema_refuses_what_is_no_class() -> None:
    """A schema that accepts everything would prove nothing."""
    document = class_json.document(classes.small())
    document["students"][0]["state"] = "perhaps"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(document)


def test_a_student_and_the_figures() -> None:
    """Grades, changes and statistics say what the gradebook says."""
    document = class_json.document(classes.small(), lang="en")
    bruno = document["students"][1]
    assert (bruno["student"], bruno["score"], bruno["attempts"], bruno["late"]) == ("bruno-díaz", 80, 2, True)
    assert bruno["adjustments"] == [{"kind": "late", "points": -10, "why": "handed in 3 hours late"}]
    assert bruno["checks"]["queue.durable"] == {
        "outcome": "failed",
        "reason": "queue-not-durable",
        "points": 0,
        "seconds": 3.0,
    }
    missing = document["students"][4]
    assert (missing["state"], missing["checks"], missing["seed"], missing["tries"]) == ("missing", {}, None, 0)
    assert document["statistics"]["states"]["final"] == 3
    assert document["statistics"]["failures"][0]["code"] == "submission-refused"


def test_hostile_text_is_harmless_where_it_is_printed() -> None:
    """No control or direction signs, no command of a CI service, in no field."""
    text = json.dumps(class_json.document(hostile()), ensure_ascii=False)
    assert not [c for c in text if not c.isprintable()]


def test_write_in_one_step(tmp_path: Path) -> None:
    """The file is whole, readable by others, and nothing stays beside it."""
    path = tmp_path / "new" / "class.json"
    class_json.write(classes.small(), path)
    assert [p.name for p in path.parent.iterdir()] == ["class.json"]
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "grader/class/v1"
    assert path.stat().st_mode & 0o777 == 0o644


def structs(kind: object) -> set[type[msgspec.Struct]]:
    """Return the structs that `kind` is made of, itself included."""
    if isinstance(kind, type) and not isinstance(kind, types.GenericAlias) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind, vars(class_json) | vars(class_stats))
        return {kind}.union(*(structs(hint) for hint in hints.values()))
    return set().union(*(structs(part) for part in typing.get_args(kind)))


def test_every_field_is_documented() -> None:
    """docs/formats.md names each field of the document and of what is in it."""
    section = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").partition("## class.json")[2]
    section = section.partition("\n## ")[0]
    fields = {f.encode_name for s in structs(class_json.ClassDocument) for f in msgspec.structs.fields(s)}
    assert [f for f in sorted(fields) if f"{f}`" not in section] == []
