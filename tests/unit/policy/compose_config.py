"""What Compose itself makes of a project: `docker compose config`, which needs no engine."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grader import process
from grader.errors import GraderError
from grader.stack.compose import find_compose

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEADLINE_S = 60.0
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": os.devnull}


def config(files: Mapping[str, str | bytes]) -> dict[str, Any] | str:
    """Return the services of a project as Compose reads them, or the last line of why it does not."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        argv = [str(_compose()), "-p", "x", "--project-directory", folder, "-f", str(Path(folder, "compose.yaml"))]
        output = Path(folder, "output.json")
        argv += ["config", "--format", "json", "--output", str(output)]
        done = process.run(argv, deadline_s=_DEADLINE_S, env=_ENVIRONMENT, cwd=Path(folder))
        if done.returncode != 0:
            return done.output.strip().rpartition("\n")[2]
        services = json.loads(output.read_text("utf-8"))["services"]
    assert isinstance(services, dict)
    return services


def services(many: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a compose file of services that have these attributes besides an image."""
    return json.dumps({"services": {name: {"image": "redis", **attributes} for name, attributes in many.items()}})


def plain(value: Any) -> Any:
    """Return what Compose has written with each $ doubled."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def _compose() -> Path:
    try:
        return find_compose()
    except GraderError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{error}")
