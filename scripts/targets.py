"""Says what make can do, in the reader's language; runs on any Python 3.11, without any package."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from grader.i18n import default_language, translations

_ = translations(default_language()).gettext
TARGETS = (
    ("make demo", _("grade a right submission and two wrong ones, and show their reports")),
    ("make test", _("lint, types, layers, and all tests (the ones with Docker too)")),
    ("make setup", _("only what both do first: environment, engine, Compose, images")),
    ("make lint", _("lint, types and layers")),
    ("make unit", _("the tests that need no Docker")),
    ("make doctor", _("what this machine has and lacks")),
    ("make clean", _("remove what graders that died have left behind")),
    ("make lock", _("the locks of requirements/ anew (LOCK=--upgrade: the newest of everything)")),
    ("make weights", _("what each assignment weighs: lines of its checks, its texts, its mutants")),
    ("make picture", _("docs/report.png from a report of the demonstration")),
)
for target, does in TARGETS:
    print(f"{target:14} {does}")
