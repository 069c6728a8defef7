"""What is said when an image that a stack needs is no longer on the engine: a command that gets that image."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NoReturn

import pytest
from docker.errors import ImageNotFound

from grader import catalogue
from grader.errors import GraderError
from grader.i18n import render
from grader.stack.emit import built_image
from grader.stack.stack import Stack


def gone(_: str) -> NoReturn:
    raise ImageNotFound("gone")


def remedy(reference: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """The remedy in English, where the engine answers and has no image at all."""
    stack = object.__new__(Stack)
    stack.client = SimpleNamespace(images=SimpleNamespace(get=gone))  # type: ignore[assignment]
    monkeypatch.setattr(Stack, "canary", lambda _: True)
    with pytest.raises(GraderError) as error:
        stack._ours([reference])
    assert error.value.message.params == {"image": reference}
    return error.value.remedy and render(error.value.remedy, "en")


@pytest.mark.parametrize(
    ("reference", "name"),
    [("grader.local/rabbitmq:4-management", "rabbitmq:4-management"), (f"redis@sha256:{'0' * 64}", "")],
)
def test_the_name_is_one_that_images_ensure_takes(reference: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue's name for a stand-in, the digest for what was pulled."""
    assert remedy(reference, monkeypatch) == f"Get it with: grader images ensure {name or reference}"
    assert catalogue.load().find(name or reference) is not None


def test_what_a_grading_built_itself_is_built_by_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command would get it."""
    assert remedy(built_image("grader-abc-1", "worker"), monkeypatch) is None
