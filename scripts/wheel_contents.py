"""Build hook: compiles the translations; a wheel brings the students' part of every assignment, and nothing else of it.

Hidden checks, references and mutants are the instructor's; `tests/unit/test_wheel.py` opens what is built.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# As in grader/kit/contents.py, which a build cannot import: the grader's dependencies are not there.
PARTS = ("assignment.yaml", "README.md", "conftest.py", "subject.py", "reasons.yaml", "locale", "public", "starter")


class StudentsPart(BuildHookInterface):
    """Adds `assignments/<id>/<part>` as `grader/pack/<id>/<part>`."""

    PLUGIN_NAME = "students-part"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile and tell hatchling what to include; an editable installation reads the checkout itself."""
        root = Path(self.root)
        runpy.run_path(str(root / "scripts" / "i18n"))["compile_all"](root)
        if version == "editable":
            return
        for rubric in sorted(root.glob("assignments/*/assignment.yaml")):
            for part in PARTS:
                if (source := rubric.parent / part).exists():
                    build_data["force_include"][str(source)] = f"grader/pack/{rubric.parent.name}/{part}"
