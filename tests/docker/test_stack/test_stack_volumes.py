"""Folders of a submission that become volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.errors import GraderError
from grader.model.plan import VolumeContent
from tests.docker.test_stack.builds import logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker


def test_folders_become_filled_volumes(make_stack: Callable[..., Stack], workspace: Path, python_image: str) -> None:
    """Content, sub-folders and links arrive; nothing of the host is mounted."""
    (workspace / "seed" / "deep").mkdir(parents=True)
    (workspace / "seed" / "deep" / "ñ.sql").write_text("select 1")
    (workspace / "seed" / "link").symlink_to("deep/ñ.sql")
    show = ["sh", "-c", "cat /seed/link && stat -c ' %u %F' /seed/deep"]
    stack = make_stack(
        {"one": {"image": python_image, "command": show, "volumes": ["seed:/seed:ro"]}},
        workspace=workspace,
        compose={"volumes": {"seed": {}}},
        volume_contents=(VolumeContent(volume="seed", source="seed"),),
    )
    stack.up(deps=True)
    assert logs(stack, "one-1") == "select 1 0 directory"
    mounts = stack.container("one-1").inspect()["Mounts"]
    assert [m["Type"] for m in mounts] == ["volume"]
    stack.down()


def test_a_fill_never_leaves_the_submission(
    make_stack: Callable[..., Stack], workspace: Path, python_image: str, tmp_path: Path
) -> None:
    """A link to a folder outside is an error, and nothing of the stack stays."""
    (workspace / "seed").symlink_to(tmp_path)
    with pytest.raises(GraderError, match="not in the submission"):
        make_stack(
            {"one": {"image": python_image, "volumes": ["seed:/seed"]}},
            workspace=workspace,
            compose={"volumes": {"seed": {}}},
            volume_contents=(VolumeContent(volume="seed", source="seed"),),
        )
