"""What the readers of each format document, as JSON Schemas of our own where they publish none."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
WHOLE = {"type": "integer", "minimum": 0}


def closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these members and no other."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


_FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
_SEEN = {"enum": ["visible", "hidden", "after_due_date", "after_published"]}
GRADESCOPE = closed(
    {"tests": {"type": "array", "items": closed({}, {
        "score": {"type": "number"}, "max_score": {"type": "number"}, "status": {"enum": ["passed", "failed"]},
        "name": TEXT, "name_format": _FORMAT, "number": TEXT, "output": TEXT, "output_format": _FORMAT,
        "tags": {"type": "array", "items": TEXT}, "visibility": _SEEN, "extra_data": {"type": "object"},
    })}},
    {
        "score": {"type": "number"}, "execution_time": {"type": "number"}, "output": TEXT, "output_format": _FORMAT,
        "test_output_format": _FORMAT, "test_name_format": _FORMAT, "visibility": _SEEN, "stdout_visibility": _SEEN,
        "extra_data": {"type": "object"}, "leaderboard": {"type": "array"},
    },
)  # fmt: skip
PRAIRIELEARN = closed(
    {"gradable": {"type": "boolean"}},
    {
        "score": {"type": "number", "minimum": 0, "maximum": 1}, "message": TEXT, "output": TEXT,
        "format_errors": {"type": "array", "items": TEXT},
        "tests": {"type": "array", "items": closed(
            {"name": TEXT, "points": {"type": "number"}, "max_points": {"type": "number"}},
            {"description": TEXT, "message": TEXT, "output": TEXT},
        )},
    },
)  # fmt: skip
PRAIRIELEARN["oneOf"] = [
    {"properties": {"gradable": {"const": True}}, "required": ["score"]},
    {"properties": {"gradable": {"const": False}}, "required": ["format_errors"], "not": {"required": ["score"]}},
]
_ADDRESS = {"type": "string", "pattern": "^https://"}
CLASSROOM50 = closed(
    {
        "schema": {"const": "classroom50/result/v1"}, "classroom": TEXT, "assignment": TEXT,
        "assignment_type": {"enum": ["individual", "group"]}, "owner": TEXT,
        "submission": {"type": "string", "pattern": "^submit/"}, "commit": _ADDRESS, "release": _ADDRESS,
        "review": _ADDRESS,
        "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "score": WHOLE, "max-score": WHOLE,
        "tests": {"type": "array", "items": closed(
            {"test-name": TEXT, "passed": {"type": "boolean"}, "score": WHOLE, "max-score": WHOLE}
        )},
    },
    {"graded_at": TEXT, "submitted_by": {"type": "object"}},
)  # fmt: skip
_STATUS = {"enum": ["pass", "fail", "error"]}
AUTOGRADING = closed(
    {
        "version": {"const": 1}, "status": _STATUS, "max_score": WHOLE,
        "tests": {"type": "array", "minItems": 1, "items": closed({
            "name": TEXT, "status": _STATUS, "score": WHOLE, "message": TEXT, "test_code": TEXT, "filename": TEXT,
            "line_no": WHOLE, "duration": {"type": "number", "minimum": 0},
        })},
    },
    {"message": TEXT},
)  # fmt: skip
