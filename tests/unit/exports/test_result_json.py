"""result.json: its shape, its schema, its documentation, who reads what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import msgspec
import pytest

from grader.exports import result_json
from grader.presentation.audience import redacted
from tests.unit.reports import builders

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).parents[3]
SCHEMA_FILE = Path(result_json.__file__).parent / "schema" / "result.v1.json"


def test_schema_is_that_of_the_types() -> None:
    """The committed schema is made from the types (mend: scripts/schemas)."""
    assert json.loads(SCHEMA_FILE.read_text()) == result_json.json_schema()


@pytest.mark.parametrize("audience", ["student", "instructor"])
@pytest.mark.parametrize("story", builders.STORIES)
def test_documents_fit_the_schema(story: str, audience: str) -> None:
    """Every kind of result is valid for both audiences."""
    document = result_json.document(redacted(builders.STORIES[story](), audience))  # type: ignore[arg-type]
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(document)


def test_the_schema_refuses_what_is_no_result() -> None:
    """A schema that accepts everything would prove nothing."""
    document = result_json.document(redacted(builders.all_passed(), "instructor")) | {"status": "perhaps"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(document)


@pytest.mark.parametrize("story", builders.STORIES)
def test_document(story: str, snapshot: SnapshotAssertion) -> None:
    """The whole document of each kind of result."""
    document = result_json.document(redacted(builders.STORIES[story](), "instructor"))
    assert json.dumps(document, indent=1, ensure_ascii=False) == snapshot


def test_student_learns_title_and_outcome_of_a_hidden_check_only() -> None:
    """What would give a hidden check away is empty; points stay, since the score is known."""
    document = result_json.document(redacted(builders.several_failed(), "student"), lang="en")
    hidden = next(c for c in document["checks"] if c["id"] == "ack.after-work")
    assert (hidden["title"], hidden["outcome"]) == (
        "A task held by a killed worker is delivered to another one",
        "failed",
    )
    assert [hidden[k] for k in ("reason", "expected", "observed", "needs", "blocked_by", "seconds")] == [
        "",
        "",
        "",
        [],
        "",
        0.0,
    ]
    shown = next(c for c in document["checks"] if c["id"] == "queue.durable")
    assert shown["observed"] == "durable=false"


def test_student_reads_that_we_had_trouble_but_not_which() -> None:
    """The grader's own errors may quote hidden checks."""
    document = result_json.document(redacted(builders.provisional(), "student"), lang="en")
    assert document["errors"] == ["The grader had a problem of its own; your teacher can read the details."]
    assert document["status"] == "provisional"


def test_write_in_one_step(tmp_path: Path) -> None:
    """The file is whole, readable by others, and nothing stays beside it."""
    path = tmp_path / "new" / "result.json"
    result_json.write(redacted(builders.refused(), "instructor"), path)
    result_json.write(redacted(builders.all_passed(), "instructor"), path)
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]
    assert json.loads(path.read_text(encoding="utf-8"))["score"] == 100
    assert path.stat().st_mode & 0o777 == 0o644


def test_every_field_is_documented() -> None:
    """docs/formats.md has a row for each field of the document."""
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    missing = []
    for prefix, struct in (
        ("", result_json.ResultDocument),
        ("checks[].", result_json.CheckEntry),
        ("findings[].", result_json.FindingEntry),
        ("images[].", result_json.ImageEntry),
    ):
        missing += [
            prefix + f.encode_name for f in msgspec.structs.fields(struct) if f"| `{prefix}{f.encode_name}`" not in text
        ]
    assert missing == []
