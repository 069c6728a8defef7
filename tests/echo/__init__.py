"""A broker of somebody else's: a package that brings a room, an assignment with it, a right and a wrong submission."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).parent
ASSIGNMENTS = HERE / "assignments"
SUBMISSIONS = HERE / "submissions"
DISTRIBUTION, MODULE = "echo-line-room", "echo_line"


def install(site: Path) -> Path:
    """Install the distribution into a folder that Python imports from, as an installer would; return its package."""
    package = site / MODULE
    shutil.copytree(HERE / "package" / MODULE, package, ignore=shutil.ignore_patterns("__pycache__"))
    metadata = site / f"{MODULE}_room-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text(f"[grader.brokers]\necho = {MODULE}:BROKER\n", "utf-8")
    return package
